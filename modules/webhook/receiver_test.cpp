#include "modules/webhook/receiver.h"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <uv.h>

#include "core/stream/memory_stream.h"
#include "core/wait/timeout.h"
#include "modules/http/connection.h"
#include "tests/support/virtual_world.h"

namespace weir::webhook {

namespace {

using namespace std::chrono_literals;

ReceiverSettings receiver_settings() {
    ReceiverSettings made;
    made.url = "http://shop.example/hooks";
    made.retry.jitter = 0;
    return made;
}

// A receiver, and a server in memory that gives the answers of the test, in their order, and 200
// when there are none left; it notes what it gets, with the second.
struct ReceiverWorld : test::VirtualWorld {
    explicit ReceiverWorld(ReceiverSettings settings = receiver_settings())
        : receiver(scheduler, client, ended, "shop", std::move(settings), "secret",
                   [this](const Receiver&, const Outgoing& request, const Failure& failure,
                          std::uint32_t tries) { return give_up(request, failure, tries); }) {
        receiver.begin();
    }

    static http::HttpClientOptions options_with(ReceiverWorld& world) {
        http::HttpClientOptions options;
        options.connector = [&world](http::Url url) { return world.connect(std::move(url)); };
        options.max_retries = 0;
        options.max_connections = 100;
        options.idle_time = 1ms;
        return options;
    }
    Task<ByteStream::Owner> connect(http::Url url) {
        if (refusals != 0) {
            --refusals;
            throw StreamError("connecting to " + url.origin(), UV_ECONNREFUSED);
        }
        auto [here, there] = memory_pair(scheduler);
        served.start(serve(std::move(there)), {.name = "serve", .daemon = true});
        co_return std::move(here);
    }
    Task<> serve(ByteStream::Owner stream) {
        const http::Client of_server;
        const http::HttpLimits limits;
        http::Traffic traffic;
        const http::Handler handler = [this](http::Exchange& exchange) { return answer(exchange); };
        http::Connection connection(*stream, limits, of_server, handler, traffic);
        const std::function<bool()> last = [] { return true; };
        try {
            co_await connection.serve_request(last);
            co_await stream->finish();
        } catch (const StreamError&) {
        }
    }
    Task<> answer(http::Exchange& exchange) {
        const std::string body = co_await exchange.read_all();
        keys.push_back(std::string(exchange.request().header("Idempotency-Key").value_or("")));
        got.push_back(std::string(exchange.request().target) + " " + body + " @" + time());
        ++running;
        most_running = std::max(most_running, running);
        co_await sleep(answer_time);
        --running;
        http::Response response;
        if (!answers.empty()) {
            response = answers.front();
            answers.erase(answers.begin());
        }
        co_await exchange.respond(std::move(response));
    }
    Task<> give_up(const Outgoing& request, const Failure& failure, std::uint32_t tries) {
        if (request.body == "untold") {
            throw std::runtime_error("no room");
        }
        given_up.push_back(request.body + ": " + failure.message + " (" + std::to_string(tries) +
                           ")");
        co_return;
    }
    std::string time() {
        return std::to_string(
            std::chrono::duration_cast<std::chrono::seconds>(scheduler.now().time_since_epoch())
                .count());
    }

    Task<> add(std::string body) {
        Outgoing request{"id of " + body, "POST", "/x", {}, body};
        co_await receiver.add(std::move(request));
        added.push_back(body + " @" + time());
    }
    Task<> add_all(std::vector<std::string> bodies) {
        for (std::string& body : bodies) {
            Task<> adding = add(std::move(body));
            co_await adding;
        }
    }

    Container served{scheduler};
    Duration answer_time{};
    int refusals = 0;
    int running = 0;
    int most_running = 0;
    std::vector<http::Response> answers;
    std::vector<std::string> got;
    std::vector<std::string> keys;
    std::vector<std::string> added;
    std::vector<std::string> given_up;
    http::HttpClient client{scheduler, options_with(*this)};
    Condition ended;
    Receiver receiver;
};

using Texts = std::vector<std::string>;

http::Response status(int code, const std::string& body = "") {
    return {.status = code, .headers = {}, .body = body};
}

}  // namespace

TEST_CASE("a receiver gets requests in their order, also while one is tried again") {
    ReceiverWorld world;
    world.answers = {status(500), status(503)};
    world.run(world.add_all({"a", "b", "c"}));
    CHECK(world.got == Texts{"/hooks/x a @0", "/hooks/x a @1", "/hooks/x a @3", "/hooks/x b @3",
                             "/hooks/x c @3"});
    CHECK(world.keys == Texts{"id of a", "id of a", "id of a", "id of b", "id of c"});
    CHECK(world.given_up.empty());
    CHECK(world.receiver.counts().delivered == 3);
    CHECK(world.receiver.counts().retries == 2);
}

TEST_CASE("what is refused for good is given up at once, what fails for too long later") {
    ReceiverWorld world;
    world.answers = {status(404, "no such shop"), status(500), status(500), status(500),
                     status(500)};
    world.run(world.add_all({"a", "b", "c"}));
    CHECK(world.given_up ==
          Texts{"a: the answer is 404: no such shop (1)", "b: the answer is 500 (4)"});
    CHECK(world.got.back() == "/hooks/x c @7");
    CHECK(world.receiver.counts().failed == 2);
    CHECK(world.receiver.running() + world.receiver.waiting() == 0);
}

TEST_CASE("a receiver goes on behind a request whose failure cannot be told") {
    ReceiverWorld world;
    world.answers = {status(404)};
    world.container.start(world.add_all({"untold", "a"}));
    world.scheduler.run();
    CHECK(world.got.back() == "/hooks/x a @0");
    CHECK(world.receiver.running() + world.receiver.waiting() == 0);
    REQUIRE(world.log.size() == 1);
    CHECK(world.log[0].find("delivering the request id of untold to the receiver 'shop' ended") !=
          std::string::npos);
    CHECK(world.log[0].find("no room") != std::string::npos);
}

TEST_CASE("a receiver that nobody can reach is tried again") {
    ReceiverWorld world;
    world.refusals = 2;
    world.run(world.add_all({"a"}));
    CHECK(world.got == Texts{"/hooks/x a @3"});
}

TEST_CASE("a receiver that asks for time gets it, up to the longest pause") {
    ReceiverWorld world;
    world.answers = {status(429), status(503)};
    world.answers[0].headers.set("Retry-After", "20");
    world.answers[1].headers.set("Retry-After", "3600");
    world.run(world.add_all({"a"}));
    CHECK(world.got == Texts{"/hooks/x a @0", "/hooks/x a @20", "/hooks/x a @80"});
}

TEST_CASE("a try that takes too long has failed") {
    ReceiverWorld world;
    world.answer_time = 1min;
    ReceiverSettings settings = receiver_settings();
    settings.retry.times = 0;
    world.receiver.change(settings, "");
    world.run(world.add_all({"a"}));
    REQUIRE(world.given_up.size() == 1);
    CHECK(world.given_up[0].find("a: POST http://shop.example/hooks/x: ") == 0);
}

TEST_CASE("callers wait for room, in their order, and a caller that goes has sent nothing") {
    ReceiverSettings settings = receiver_settings();
    settings.waiting = 1;
    ReceiverWorld world(settings);
    world.answer_time = 5s;
    const auto script = [](ReceiverWorld& of) -> Task<> {
        Container callers(of.scheduler);
        const Texts bodies{"a", "b", "c", "gone", "d"};
        std::vector<Ref<Routine>> routines;
        for (const std::string& body : bodies) {
            routines.push_back(callers.start(of.add(body)));
            co_await sleep(1ms);
        }
        routines[3]->close();
        co_await sleep(1min);
    };
    world.run(script(world));
    CHECK(world.added == Texts{"a @0", "b @0", "c @5", "d @10"});
    CHECK(world.got == Texts{"/hooks/x a @0", "/hooks/x b @5", "/hooks/x c @10", "/hooks/x d @15"});
}

TEST_CASE("a receiver takes so many requests at a time") {
    ReceiverSettings settings = receiver_settings();
    settings.at_once = 3;
    ReceiverWorld world(settings);
    world.answer_time = 1s;
    world.run(world.add_all({"a", "b", "c", "d", "e", "f", "g"}));
    CHECK(world.most_running == 3);
    CHECK(world.got.size() == 7);
    CHECK(world.got.back() == "/hooks/x g @2");
}

TEST_CASE("another receiver takes over what is not delivered, in its order") {
    ReceiverWorld world;
    world.answer_time = 5s;
    std::vector<Outgoing> left;
    const auto script = [](ReceiverWorld& of, std::vector<Outgoing>& rest) -> Task<> {
        Task<> adding = of.add_all({"a", "b", "c"});
        co_await adding;
        co_await sleep(7s);
        rest = of.receiver.stop();
        of.receiver.take_over(rest);
        CHECK(of.receiver.waiting() == 2);
        of.receiver.begin();
    };
    world.run(script(world, left));
    REQUIRE(left.size() == 2);
    CHECK(left[0].body + left[1].body == "bc");
    CHECK(world.got == Texts{"/hooks/x a @0", "/hooks/x b @5", "/hooks/x b @7", "/hooks/x c @12"});
    CHECK(world.keys[1] == world.keys[2]);
}

TEST_CASE("a receiver that stops returns no request whose caller still waits for room") {
    ReceiverSettings settings = receiver_settings();
    settings.waiting = 1;
    ReceiverWorld world(settings);
    world.answer_time = 5s;
    const auto script = [](ReceiverWorld& of) -> Task<> {
        Container callers(of.scheduler);
        for (const char* body : {"a", "b", "c", "d"}) {
            callers.start(of.add(body));
        }
        co_await sleep(1s);
        const std::vector<Outgoing> left = of.receiver.stop();
        REQUIRE(left.size() == 2);
        CHECK(left[0].body + left[1].body == "ab");
        co_await sleep(1s);
        CHECK(of.added == Texts{"a @0", "b @0", "c @1"});  // the stop has made room for one
        of.receiver.begin();
        co_await sleep(1min);
    };
    world.run(script(world));
    CHECK(world.added.back() == "d @2");
    CHECK(world.got == Texts{"/hooks/x a @0", "/hooks/x c @2", "/hooks/x d @7"});
}

TEST_CASE("a request is not delivered before its caller knows that there was room for it") {
    ReceiverSettings settings = receiver_settings();
    settings.waiting = 1;
    ReceiverWorld world(settings);
    world.answer_time = 5s;
    const auto add = [](ReceiverWorld& of, std::string body) -> Task<> {
        Outgoing request{"id of " + body, "POST", "fails at once", {}, body};
        co_await of.receiver.add(std::move(request));
        of.given_up.push_back(body + " added");
    };
    const auto script = [](ReceiverWorld& of, auto adding) -> Task<> {
        Container callers(of.scheduler);
        callers.start(of.add("a"));
        for (const char* body : {"b", "c", "d"}) {
            callers.start(adding(of, body));
        }
        co_await sleep(1min);
    };
    world.run(script(world, add));
    const std::string failed = ": path: begins with neither '/' nor '?' (1)";
    CHECK(world.given_up ==
          Texts{"b added", "b" + failed, "c added", "c" + failed, "d added", "d" + failed});
}

TEST_CASE("a path stays at the receiver's address") {
    const ReceiverWorld world;
    CHECK(world.receiver.url_with("") == "http://shop.example/hooks");
    CHECK(world.receiver.url_with("/a/b?c=../d") == "http://shop.example/hooks/a/b?c=../d");
    CHECK(world.receiver.url_with("/ann%2Fshop") == "http://shop.example/hooks/ann%2Fshop");
    CHECK(world.receiver.url_with("?a=b") == "http://shop.example/hooks?a=b");
    for (const char* path : {"a", "/../x", "/a/..", "/%2e%2E/x", "/.%2e", "/a\\..\\x", "@evil/",
                             "/a b", "/a\r\nX: y", "/a/..;x/b", "/a%2f../b", "/%252e%252e/b"}) {
        CHECK_THROWS_AS(world.receiver.url_with(path), std::invalid_argument);
    }
}

}  // namespace weir::webhook
