// Events of jobs that have ended, for listeners that have no room.

#include <chrono>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "core/wait/timeout.h"
#include "modules/system/call/json.h"
#include "modules/testing/simulated_server.h"

namespace weir {

namespace {

using namespace std::chrono_literals;

// A rule that takes a second for each job of the queue `q` that has ended, and notes its id.
constexpr const char* slow_listener = R"({
    "server": {"startup": ["queue", "rules"]},
    "module": {
        "queue": {"queues": {"q": {}, "noted": {}}},
        "rules": {"rules": {"note": {
            "on": {"event": "queue.Finished", "where": {"queue": "q"}},
            "at_once": 1, "waiting": 2, "do": [
                {"sleep": "1s"},
                {"call": "queue.submit", "with": {"queue": "noted", "data": "{{event.id}}"}}]}}}
    }
})";

Task<Json> ask_queue(std::string function, Json parameters) {
    const ApiResult<Json> result = co_await call("queue", function, std::move(parameters));
    co_return result ? result.value() : Json(to_text(result.error()));
}

Task<Json> take(std::string queue) {
    Json parameters{{"queue", queue}};
    return ask_queue("fetch", std::move(parameters));
}

// Submits, fetches and finishes so many jobs.
Task<> work(int jobs) {
    for (int i = 0; i != jobs; ++i) {
        Json added{{"queue", "q"}, {"data", i}};
        co_await ask_queue("submit", std::move(added));
        Task<Json> taking = take("q");
        const Json job = co_await taking;
        Json ended{{"id", job["id"]}, {"receipt", job["receipt"]}};
        const Json answer = co_await ask_queue("finish", std::move(ended));
        CHECK(answer.is_null());
    }
}

Task<> expect_noted(std::vector<int> expected) {
    std::vector<int> noted;
    for (;;) {
        Task<Json> taking = take("noted");
        const Json job = co_await taking;
        if (job.is_null()) {
            break;
        }
        noted.push_back(job["data"].get<int>());
    }
    CHECK(noted == expected);
}

}  // namespace

TEST_CASE("a worker that ends a job does not wait for the listeners, which miss nothing") {
    SimulatedServer world(slow_listener);
    const auto script = [](SimulatedServer& own) -> Task<> {
        const Time began = own.scheduler().now();
        Task<> working = work(20);
        co_await working;
        CHECK(own.scheduler().now() - began < 500ms);
        co_await sleep(3500ms);
        std::vector<std::string> names{"queue"};
        Task<> reloading = own.loader().reload(std::move(names));
        co_await reloading;
        co_await sleep(1min);
        std::vector<int> all;
        for (int id = 1; id <= 20; ++id) {
            all.push_back(id);
        }
        // What is noted has an id, too.
        Task<> expecting = expect_noted(std::move(all));
        co_await expecting;
    };
    world.run(script(world));
    CHECK(world.log() == "");
}

TEST_CASE("workers wait for listeners when a thousand events wait for these") {
    SimulatedServer world(slow_listener);
    const auto script = [](SimulatedServer& own) -> Task<> {
        const Time began = own.scheduler().now();
        Task<> some = work(1000);
        co_await some;
        CHECK(own.scheduler().now() - began < 500ms);
        Task<> more = work(10);
        co_await more;
        const Duration waited = own.scheduler().now() - began;
        CHECK(waited > 3s);
        CHECK(waited < 20s);
        co_await sleep(1h);
    };
    world.run(script(world));
    CHECK(world.log() == "");
}

TEST_CASE("a queue is unloaded although listeners have no room, and says how much is dropped") {
    SimulatedServer world(slow_listener);
    const auto script = [](SimulatedServer& own) -> Task<> {
        Task<> working = work(20);
        co_await working;
        const Time began = own.scheduler().now();
        Task<> unloading = own.loader().unload("queue");
        co_await unloading;
        // Waits also for the rule to take the events that it has room for.
        CHECK(own.scheduler().now() - began < 5s);
        co_await sleep(1min);
    };
    world.run(script(world));
    CHECK(world.log().find(" events of jobs that have ended are dropped: listeners have no room") !=
          std::string::npos);
}

}  // namespace weir
