#include "modules/http/response_cache.h"

#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace weir::http {

using namespace std::chrono_literals;

namespace {

Headers headers(std::initializer_list<std::pair<const char*, const char*>> given) {
    Headers made;
    for (const auto& [name, value] : given) {
        made.add(name, value);
    }
    return made;
}

constexpr Time start{};

ResponseCache::Key key(const char* target) {
    return {target, "http://shop.example"};
}

void keep(ResponseCache& cache, const char* target, Response response, Duration time) {
    ResponseCache::Filling filling(cache, key(target), start);
    filling.keep(std::move(response), time);
}

Response answer(std::string body) {
    return {.body = std::move(body)};
}

}  // namespace

TEST_CASE("a response is kept as long as it says, or else as long as the cache does") {
    const ResponseCache cache({.time = 10s});
    const auto time = [&](std::initializer_list<std::pair<const char*, const char*>> given) {
        return cache.time_to_keep(200, headers(given), false, WallTime());
    };
    CHECK(time({}) == Duration(10s));
    CHECK(time({{"Cache-Control", "max-age=60"}}) == Duration(60s));
    CHECK(time({{"Cache-Control", "s-maxage=5, max-age=60"}}) == Duration(5s));
    CHECK(time({{"cache-control", "Public , Max-Age=7"}}) == Duration(7s));
    CHECK(time({{"Cache-Control", "max-age=0"}}) == std::nullopt);
    CHECK(time({{"Cache-Control", "max-age=x"}}) == std::nullopt);
    CHECK(time({{"Cache-Control", "max-age=60"}, {"Cache-Control", "no-store"}}) == std::nullopt);
    CHECK(time({{"Cache-Control", "private, max-age=60"}}) == std::nullopt);
    CHECK(time({{"Cache-Control", "no-cache"}}) == std::nullopt);
    CHECK(time({{"Vary", "Cookie"}}) == std::nullopt);
    CHECK(time({{"Set-Cookie", "a=b"}}) == std::nullopt);
    CHECK(cache.time_to_keep(404, Headers(), false, WallTime()) == std::nullopt);
}

TEST_CASE("a response that varies is kept if the cache keeps apart by all that it varies by") {
    const ResponseCache cache({.time = 10s, .headers = {"X-Tenant", "Accept-Language"}});
    const auto is_kept = [&](const char* vary) {
        return cache.time_to_keep(200, headers({{"Vary", vary}}), false, WallTime()).has_value();
    };
    CHECK(is_kept("x-tenant"));
    CHECK(is_kept("Accept-Language , X-Tenant"));
    CHECK_FALSE(is_kept("X-Tenant, Cookie"));
    CHECK_FALSE(is_kept("*"));
    CHECK_FALSE(is_kept("X-Tenant2"));
    CHECK(cache.time_to_keep(200, headers({{"Vary", "X-Tenant"}, {"Vary", "Accept"}}), false,
                             WallTime()) == std::nullopt);
}

TEST_CASE("the values of headers that keep responses apart cannot imitate each other") {
    const ResponseCache cache({.headers = {"A", "B"}});
    const auto values = [&](std::initializer_list<Header> given) {
        Request request;
        for (const Header& header : given) {
            request.add_header(header);
        }
        return cache.headers_of(request);
    };
    const std::vector<std::string> all = {
        values({}),
        values({{"A", ""}}),
        values({{"B", ""}}),
        values({{"A", "x"}}),
        values({{"a", "x"}, {"A", "y"}}),
        values({{"A", "x1:y"}}),
        values({{"A", "x;1:y"}}),
        values({{"A", "x"}, {"B", "y"}}),
    };
    CHECK(std::set<std::string>(all.begin(), all.end()).size() == all.size());
    CHECK(values({{"C", "z"}, {"A", "x"}}) == values({{"a", "x"}}));
}

TEST_CASE("a response of an old server is kept as long as Expires says, and not by Pragma") {
    const ResponseCache cache({.time = 10s});
    const auto time = [&](std::initializer_list<std::pair<const char*, const char*>> given) {
        return cache.time_to_keep(200, headers(given), false, WallTime(100s));
    };
    const auto* const date = "Thu, 01 Jan 1970 01:00:00 GMT";
    CHECK(time({{"Expires", "Thu, 01 Jan 1970 00:00:00 GMT"}}) == std::nullopt);
    CHECK(time({{"Expires", "0"}}) == std::nullopt);
    CHECK(time({{"Expires", "Thu, 01 Jan 1970 01:00:30 GMT"}, {"Date", date}}) == Duration(30s));
    CHECK(time({{"Expires", "Thu, 01 Jan 1970 00:02:00 GMT"}}) == Duration(20s));
    CHECK(time({{"Expires", "0"}, {"Cache-Control", "max-age=7"}}) == Duration(7s));
    CHECK(time({{"Pragma", "no-cache"}}) == std::nullopt);
    CHECK(time({{"Pragma", "no-cache"}, {"Cache-Control", "public"}}) == Duration(10s));
}

TEST_CASE("an answer to one user is kept only if the server says that it is for all") {
    const ResponseCache cache({.time = 10s});
    CHECK(cache.time_to_keep(200, Headers(), true, WallTime()) == std::nullopt);
    CHECK(cache.time_to_keep(200, headers({{"Cache-Control", "max-age=5"}}), true, WallTime()) ==
          std::nullopt);
    CHECK(cache.time_to_keep(200, headers({{"Cache-Control", "public"}}), true, WallTime()) ==
          Duration(10s));
    CHECK(cache.time_to_keep(200, headers({{"Cache-Control", "s-maxage=5"}}), true, WallTime()) ==
          Duration(5s));
}

TEST_CASE("a response is found until its time is over, with its age") {
    ResponseCache cache({});
    keep(cache, "/a", answer("one"), 10s);
    const std::optional<Response> found = cache.find(key("/a"), start + 4s);
    REQUIRE(found);
    CHECK(found->body == "one");
    CHECK(*found->headers.find("Age") == "4");
    CHECK_FALSE(cache.find(key("/b"), start + 4s));
    CHECK_FALSE(cache.find(key("/a"), start + 10s));
    CHECK(cache.size() == 0);
}

TEST_CASE("what a response has aged before it came is of its time, and of its age") {
    ResponseCache cache({.time = 10s});
    const auto time = [&](std::initializer_list<std::pair<const char*, const char*>> given) {
        return cache.time_to_keep(200, headers(given), false, WallTime());
    };
    CHECK(time({{"Cache-Control", "max-age=60"}, {"Age", "50"}}) == Duration(10s));
    CHECK(time({{"Cache-Control", "max-age=60"}, {"Age", "60"}}) == std::nullopt);
    CHECK(time({{"Age", "4"}}) == Duration(6s));
    CHECK(time({{"Age", "99999999999"}}) == std::nullopt);
    CHECK(time({{"Age", "young"}}) == Duration(10s));
    Response response = answer("one");
    response.headers.set("Age", "50");
    keep(cache, "/a", std::move(response), 10s);
    CHECK(*cache.find(key("/a"), start + 4s)->headers.find("Age") == "54");
    CHECK_FALSE(cache.find(key("/a"), start + 10s));
}

TEST_CASE("a response is kept for the origin by which it was asked for") {
    ResponseCache cache({});
    keep(cache, "/a", answer("one"), 10s);
    CHECK_FALSE(cache.find({"/a", "http://evil.example"}, start));
    CHECK_FALSE(cache.find({"/a", "https://shop.example"}, start));
    CHECK(cache.find(key("/a"), start));
}

TEST_CASE("what is forgotten is so for all origins, and also what is under way") {
    ResponseCache cache({});
    for (const char* target : {"/a", "/a?b", "/a/b", "/a-b"}) {
        keep(cache, target, answer("one"), 10s);
    }
    ResponseCache::Filling other_origin(cache, {"/a", "https://shop.example"}, start);
    other_origin.keep(answer("one"), 10s);
    ResponseCache::Filling under_way(cache, key("/a"), start);
    ResponseCache::Filling other_target(cache, key("/c"), start);
    cache.forget("/a");
    under_way.keep(answer("old"), 10s);
    other_target.keep(answer("one"), 10s);
    CHECK_FALSE(cache.find(key("/a"), start));
    CHECK_FALSE(cache.find({"/a", "https://shop.example"}, start));
    for (const char* target : {"/a?b", "/a/b", "/a-b", "/c"}) {
        CHECK(cache.find(key(target), start));
    }
}

TEST_CASE("the newest response of a target counts, until it is forgotten") {
    ResponseCache cache({});
    keep(cache, "/a", answer("one"), 10s);
    keep(cache, "/a", answer("two"), 10s);
    CHECK(cache.find(key("/a"), start)->body == "two");
    cache.forget("/a");
    CHECK_FALSE(cache.find(key("/a"), start));
    CHECK(cache.size() == 0);
}

TEST_CASE("what was used least recently makes room") {
    ResponseCache cache({.max_size = 3000});
    const std::string body(700, 'x');
    for (const char* target : {"/a", "/b", "/c"}) {
        keep(cache, target, answer(body), 10s);
    }
    CHECK(cache.find(key("/a"), start));
    keep(cache, "/d", answer(body), 10s);
    CHECK_FALSE(cache.find(key("/b"), start));
    CHECK(cache.find(key("/a"), start));
    CHECK(cache.find(key("/d"), start));
    keep(cache, "/large", answer(std::string(5000, 'x')), 10s);
    CHECK_FALSE(cache.find(key("/large"), start));
    CHECK(cache.find(key("/a"), start));
    CHECK(cache.size() <= 3000);
}

}  // namespace weir::http
