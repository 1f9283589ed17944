// A queue that rules work: they hear of each job that may be fetched, also of those that a file
// holds, whichever module starts first, and no call waits for them.

#include <chrono>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "core/wait/do_events.h"
#include "core/wait/timeout.h"
#include "modules/database/test_file.h"
#include "modules/system/call/json.h"
#include "modules/testing/simulated_server.h"

namespace weir {

namespace {

using namespace std::chrono_literals;

// One run of the rule fetches one job, needs a second for it, and ends it.
constexpr const char* worker = R"({"on": {"event": "queue.Ready", "where": {"queue": "q"}},
    "at_once": 1, "waiting": 5, "do": [
        {"call": "queue.fetch", "with": {"queue": "q"}, "as": "job"},
        {"if": {"value": "{{job}}", "exists": true}, "then": [
            {"sleep": "1s"},
            {"call": "queue.finish",
             "with": {"id": "{{job.id}}", "receipt": "{{job.receipt}}"}}]}]})";

std::string app(const std::string& startup, const std::string& rules, const std::string& more) {
    return R"({"server": {"startup": [)" + startup +
           R"(]}, "module": {"queue": {"queues": {"q": {}})" + more + R"(}, "rules": {"rules": {)" +
           rules + "}}}}";
}

Task<Json> ask(std::string function, std::string parameters) {
    Json given = Json::parse(parameters);
    const ApiResult<Json> result = co_await call("queue", function, std::move(given));
    co_return result ? result.value() : Json(to_text(result.error()));
}

Task<> submit(int jobs) {
    for (int i = 0; i != jobs; ++i) {
        Task<Json> adding = ask("submit", R"({"queue": "q", "data": 1})");
        const Json id = co_await adding;
        CHECK(id.is_number());
    }
}

Task<> expect(const char* what, std::size_t jobs) {
    Task<Json> listing = ask("list", "{}");
    const Json listed = co_await listing;
    CHECK(listed[0][what] == jobs);
}

}  // namespace

TEST_CASE("rules work the jobs that a file holds, whichever module starts first") {
    const database::TestFile file("ready_events_test");
    {
        SimulatedServer world(app(R"("queue")", "", ", " + file.setting()));
        world.run(submit(20));
        CHECK_THAT(world.log(), Catch::Contains("the module 'rules' is not started"));
    }
    const std::string startup = GENERATE(R"("queue", "rules")", R"("rules", "queue")");
    SimulatedServer world(app(startup, R"("work": )" + std::string(worker), ", " + file.setting()));
    const auto script = []() -> Task<> {
        co_await sleep(25s);
        Task<> checking = expect("ready", 0);
        co_await checking;
        Task<> finished = expect("finished", 20);
        co_await finished;
    };
    world.run(script());
    CHECK(world.log() == "");
}

TEST_CASE("jobs that are there when rules or the queue are loaded anew are worked") {
    const std::string reloaded = GENERATE("queue", "rules");
    SimulatedServer world(app(R"("queue", "rules")", R"("work": )" + std::string(worker), ""));
    const auto script = [](SimulatedServer& own, std::string name) -> Task<> {
        Task<> adding = submit(20);
        co_await adding;
        co_await sleep(3500ms);
        std::vector<std::string> names{name};
        co_await own.loader().reload(names);
        co_await sleep(30s);
        Task<> checking = expect("ready", 0);
        co_await checking;
        Task<> running = expect("running", 0);
        co_await running;
    };
    world.run(script(world, reloaded));
    CHECK(world.log() == "");
}

TEST_CASE("submit returns when the job is kept, though the rule that works it has no room") {
    const database::TestFile file("ready_events_test");
    const std::string in_file = ", " + file.setting();
    const std::string more = GENERATE_COPY(std::string(), in_file);
    SimulatedServer world(app(R"("queue", "rules")", R"("work": )" + std::string(worker), more));
    const auto script = [](SimulatedServer& own) -> Task<> {
        const Time began = own.scheduler().now();
        Task<> adding = submit(50);
        co_await adding;
        CHECK(own.scheduler().now() - began < 500ms);
        co_await sleep(55s);
        Task<> checking = expect("finished", 50);
        co_await checking;
    };
    world.run(script(world));
    CHECK(world.log() == "");
}

TEST_CASE("two hundred jobs that a file holds are worked one after the other") {
    const database::TestFile file("ready_events_test");
    {
        SimulatedServer world(app(R"("queue")", "", ", " + file.setting()));
        world.run(submit(200));
    }
    SimulatedServer world(
        app(R"("queue", "rules")", R"("work": )" + std::string(worker), ", " + file.setting()));
    const auto script = []() -> Task<> {
        co_await sleep(210s);
        Task<> checking = expect("finished", 200);
        co_await checking;
    };
    world.run(script());
    CHECK(world.log() == "");
}

TEST_CASE("a warning names the queue whose jobs no call reaches, because it is not configured") {
    const database::TestFile file("ready_events_test");
    {
        SimulatedServer world(app(R"("queue")", "", ", " + file.setting()));
        world.run(submit(3));
    }
    SimulatedServer world(R"({"server": {"startup": ["queue"]}, "module": {"queue": {
                              "queues": {"other": {}}, )" +
                          file.setting() + "}}}");
    const auto script = []() -> Task<> { co_await do_events(); };
    world.run(script());
    CHECK(world.log().find("3 jobs are kept of a queue 'q'") != std::string::npos);
}

}  // namespace weir
