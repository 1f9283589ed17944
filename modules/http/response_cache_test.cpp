#include "modules/http/response_cache.h"

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

Response answer(std::string body) {
    return {.body = std::move(body)};
}

}  // namespace

TEST_CASE("a response is kept as long as it says, or else as long as the cache does") {
    const ResponseCache cache({.time = 10s});
    const auto time = [&](std::initializer_list<std::pair<const char*, const char*>> given) {
        return cache.time_to_keep(200, headers(given), false);
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
    CHECK(cache.time_to_keep(404, Headers(), false) == std::nullopt);
}

TEST_CASE("an answer to one user is kept only if the server says that it is for all") {
    const ResponseCache cache({.time = 10s});
    CHECK(cache.time_to_keep(200, Headers(), true) == std::nullopt);
    CHECK(cache.time_to_keep(200, headers({{"Cache-Control", "max-age=5"}}), true) == std::nullopt);
    CHECK(cache.time_to_keep(200, headers({{"Cache-Control", "public"}}), true) == Duration(10s));
    CHECK(cache.time_to_keep(200, headers({{"Cache-Control", "s-maxage=5"}}), true) ==
          Duration(5s));
}

TEST_CASE("a response is found until its time is over, with its age") {
    ResponseCache cache({});
    cache.keep("/a", answer("one"), start, 10s);
    const std::optional<Response> found = cache.find("/a", start + 4s);
    REQUIRE(found);
    CHECK(found->body == "one");
    CHECK(*found->headers.find("Age") == "4");
    CHECK_FALSE(cache.find("/b", start + 4s));
    CHECK_FALSE(cache.find("/a", start + 10s));
    CHECK(cache.size() == 0);
}

TEST_CASE("the newest response of a target counts, until it is forgotten") {
    ResponseCache cache({});
    cache.keep("/a", answer("one"), start, 10s);
    cache.keep("/a", answer("two"), start, 10s);
    CHECK(cache.find("/a", start)->body == "two");
    cache.forget("/a");
    CHECK_FALSE(cache.find("/a", start));
    CHECK(cache.size() == 0);
}

TEST_CASE("what was used least recently makes room") {
    ResponseCache cache({.max_size = 3000});
    const std::string body(700, 'x');
    for (const char* target : {"/a", "/b", "/c"}) {
        cache.keep(target, answer(body), start, 10s);
    }
    CHECK(cache.find("/a", start));
    cache.keep("/d", answer(body), start, 10s);
    CHECK_FALSE(cache.find("/b", start));
    CHECK(cache.find("/a", start));
    CHECK(cache.find("/d", start));
    cache.keep("/large", answer(std::string(5000, 'x')), start, 10s);
    CHECK_FALSE(cache.find("/large", start));
    CHECK(cache.find("/a", start));
    CHECK(cache.size() <= 3000);
}

}  // namespace weir::http
