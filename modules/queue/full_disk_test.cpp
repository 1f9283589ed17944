// The disk refuses what the queue writes. Here the functions of the kit run on the test's thread,
// where WriteFailure counts.

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "core/wait/timeout.h"
#include "modules/database/database.h"
#include "modules/database/test_file.h"
#include "modules/queue/job.h"
#include "modules/system/call/json.h"
#include "modules/testing/simulated_server.h"
#include "modules/testing/writes.h"

namespace weir::jobs {

namespace {

using namespace std::chrono_literals;

// An app with a queue `q` in a file.
struct DiskApp {
    const database::TestFile file{"full_disk_test"};

    std::string text(const std::string& queue, const std::string& common = "{}") const {
        return R"({"server": {"startup": ["queue"]}, "module": {"default": )" + common +
               R"(, "queue": {)" + file.setting() + R"(, "queues": {"q": )" + queue + "}}}}";
    }
};

Task<Json> ask_disk(std::string function, std::string parameters) {
    Json given = Json::parse(parameters);
    const ApiResult<Json> result = co_await call("queue", function, std::move(given));
    co_return result ? result.value() : Json(to_text(result.error()));
}

// Asks while the disk is full.
Task<> refused(std::string function, std::string parameters) {
    const WriteFailure full(1);
    Task<Json> asking = ask_disk(std::move(function), std::move(parameters));
    const Json answer = co_await asking;
    INFO(answer.dump());
    CHECK(full.happened());
    CHECK(answer.is_string());
    CHECK(answer.get<std::string>().starts_with("write_failed: /tmp/weir_full_disk_test."));
}

Task<> expect(std::string function, std::string parameters, std::string expected) {
    Task<Json> asking = ask_disk(std::move(function), std::move(parameters));
    const Json answer = co_await asking;
    CHECK(answer.dump() == expected);
}

Task<> expect_counts(int ready, int running, int submitted) {
    Task<Json> listing = ask_disk("list", "{}");
    const Json line = (co_await listing).at(0);
    CHECK(line["ready"] == ready);
    CHECK(line["running"] == running);
    CHECK(line["submitted"] == submitted);
}

std::string a_job(int id, int data, int receipt) {
    return R"({"data":)" + std::to_string(data) + R"(,"id":)" + std::to_string(id) +
           R"(,"key":"","priority":0,"receipt":)" + std::to_string(receipt) + R"(,"tries":)" +
           std::to_string(receipt) + "}";
}

std::string without_lines_of_the_disk(const std::string& log) {
    std::istringstream lines(log);
    std::string rest;
    for (std::string line; std::getline(lines, line);) {
        if (line.find(" written again") == std::string::npos) {
            rest += line + "\n";
        }
    }
    return rest;
}

}  // namespace

TEST_CASE("what the disk refuses has not happened, neither in memory nor after a restart") {
    const DiskApp app;
    {
        SimulatedServer world(app.text(R"({"retry": {"times": 0}})"));
        const auto script = []() -> Task<> {
            co_await expect("submit", R"({"queue": "q", "data": 1})", "1");
            co_await refused("submit", R"({"queue": "q", "data": 2})");
            co_await expect_counts(1, 0, 1);
            co_await refused("submit", R"({"queue": "q", "data": 2, "replace": true})");
            co_await expect_counts(1, 0, 1);
            co_await refused("fetch", R"({"queue": "q"})");
            co_await expect_counts(1, 0, 1);
            co_await expect("fetch", R"({"queue": "q"})", a_job(1, 1, 1));
            co_await refused("extend", R"({"id": 1, "receipt": 1, "visibility": "2m"})");
            co_await refused("fail", R"({"id": 1, "receipt": 1})");
            co_await refused("finish", R"({"id": 1, "receipt": 1})");
            co_await expect_counts(0, 1, 1);
            co_await expect("finish", R"({"id": 1, "receipt": 1})", "null");
            co_await expect("submit", R"({"queue": "q", "data": 3})", "4");
        };
        world.run(script());
        CHECK(without_lines_of_the_disk(world.log()) == "");
    }
    SimulatedServer world(app.text("{}"));
    const auto script = []() -> Task<> {
        co_await expect_counts(1, 0, 0);
        co_await expect("fetch", R"({"queue": "q"})", a_job(4, 3, 1));
    };
    world.run(script());
    CHECK(world.log() == "");
}

TEST_CASE("the log has a line when the disk begins to refuse changes, and one when it takes them") {
    const DiskApp app;
    SimulatedServer world(app.text("{}"));
    const auto script = []() -> Task<> {
        co_await expect("submit", R"({"queue": "q", "data": 0})", "1");
        co_await refused("submit", R"({"queue": "q", "data": 1})");
        co_await refused("submit", R"({"queue": "q", "data": 2})");
        co_await refused("submit", R"({"queue": "q", "data": 3})");
        co_await expect("submit", R"({"queue": "q", "data": 4})", "5");
        co_await expect("submit", R"({"queue": "q", "data": 5})", "6");
    };
    world.run(script());
    const std::string& log = world.log();
    INFO(log);
    CHECK(log.find("can be written again") < log.find(" is written again"));
    CHECK(log.ends_with(app.file.name() + " is written again; transactions that failed: 3\n"));
    CHECK(std::count(log.begin(), log.end(), '\n') == 2);
}

TEST_CASE("what builds upon a change that the disk refuses is refused with it") {
    const DiskApp app;
    SimulatedServer world(app.text("{}"));
    const auto script = [](SimulatedServer& own) -> Task<> {
        const auto worker = [](std::string& got) -> Task<> {
            Task<Json> fetching = ask_disk("fetch", R"({"queue": "q", "wait": "1s"})");
            got = (co_await fetching).dump();
        };
        std::string got;
        Container workers(own.scheduler());
        workers.start(worker(got));
        co_await sleep(500ms);
        co_await refused("submit", R"({"queue": "q", "data": 1})");
        co_await sleep(1s);
        CHECK(got.find("receipt") == std::string::npos);
        co_await expect_counts(0, 0, 0);
    };
    world.run(script(world));
    CHECK(without_lines_of_the_disk(world.log()) == "");
}

TEST_CASE("a job that is given back since the disk refuses it goes to a worker that waits") {
    const DiskApp app;
    SimulatedServer world(app.text(R"({"visibility": "10h"})"));
    const auto fetch = [](const char* wait, Json& answer) -> Task<> {
        Task<Json> fetching =
            ask_disk("fetch", std::string(R"({"queue": "q", "wait": ")") + wait + R"("})");
        answer = co_await fetching;
    };
    const auto script = [&fetch](SimulatedServer& own) -> Task<> {
        co_await expect("submit", R"({"queue": "q", "data": 1})", "1");
        const WriteFailure full(1);
        own.simulation().delay_threads(30s);  // the disk is slow
        Json lost;
        Json found;
        Container waiting(own.scheduler());
        Container leaving(own.scheduler());
        leaving.start(fetch("0s", lost));
        co_await sleep(1s);
        waiting.start(fetch("100s", found));
        co_await sleep(1s);
        leaving.close();  // while the file is written
        co_await sleep(110s);
        CHECK(full.happened());
        CHECK(lost.is_null());
        CHECK(found.dump() == a_job(1, 1, 1));
        own.simulation().delay_threads(0s);
    };
    world.run(script(world));
}

TEST_CASE("a reload waits until all is written") {
    const DiskApp app;
    SimulatedServer world(app.text("{}", R"({"drain_timeout": "1h"})"));
    const auto submit = []() -> Task<> {
        Task<Json> submitting = ask_disk("submit", R"({"queue": "q", "data": 1})");
        co_await submitting;
    };
    const auto script = [&submit](SimulatedServer& own) -> Task<> {
        co_await expect_counts(0, 0, 0);
        own.simulation().delay_threads(10min);  // the disk is slow
        Container leaving(own.scheduler());
        leaving.start(submit());
        co_await sleep(1s);
        leaving.close();  // no call is under way: the change is written all the same
        std::vector<std::string> names{"queue"};
        Task<> reloading = own.loader().reload(std::move(names));
        co_await reloading;
        own.simulation().delay_threads(0s);
        co_await expect("fetch", R"({"queue": "q"})", a_job(1, 1, 1));
    };
    world.run(script(world));
    CHECK(world.log() == "");
}

TEST_CASE("a full disk ends no job: a worker that does not come back meanwhile has one try less") {
    const DiskApp app;
    SimulatedServer world(app.text(R"({"visibility": "10s", "retry": {"times": 1}})"));
    const auto script = []() -> Task<> {
        co_await expect("submit", R"({"queue": "q", "data": 1})", "1");
        co_await expect("fetch", R"({"queue": "q"})", a_job(1, 1, 1));
        {
            const WriteFailure full(1);
            co_await sleep(12s);
            CHECK(full.happened());
        }
        co_await expect_counts(0, 1, 1);
        co_await expect("fetch", R"({"queue": "q", "wait": "10s"})", a_job(1, 1, 2));
        co_await expect("finish", R"({"id": 1, "receipt": 2})", "null");
    };
    world.run(script());
    CHECK(world.log().find("jobs whose workers have not come back could not be given to others") !=
          std::string::npos);
}

TEST_CASE("a queue whose unloading is refused gives jobs to others when their time is over") {
    const DiskApp app;
    SimulatedServer world(app.text(R"({"visibility": "10s"})", R"({"unload_timeout": "1s"})"));
    const auto script = [](SimulatedServer& own) -> Task<> {
        co_await expect("submit", R"({"queue": "q", "data": 1})", "1");
        co_await expect("fetch", R"({"queue": "q"})", a_job(1, 1, 1));
        own.simulation().delay_threads(1h);  // the disk is slow
        const auto slow = []() -> Task<> {
            Task<Json> submitting = ask_disk("submit", R"({"queue": "q", "data": 2})");
            co_await submitting;
        };
        Container others(own.scheduler());
        others.start(slow());
        co_await sleep(1s);
        bool is_refused = false;
        try {
            co_await own.loader().unload("queue");
        } catch (const std::exception&) {
            is_refused = true;
        }
        CHECK(is_refused);
        own.simulation().delay_threads(0s);
        co_await sleep(2h);
        co_await expect("fetch", R"({"queue": "q"})", a_job(1, 1, 2));
    };
    world.run(script(world));
}

TEST_CASE("a file that is damaged is named, with what to do about it") {
    const DiskApp app;
    SECTION("it is no database") {
        std::ofstream(app.file.name()) << std::string(5000, 'x');
    }
    SECTION("it has a job that is none") {
        database::Database file(app.file.name(), layout);
        file.write({{"INSERT INTO jobs VALUES (1, 'q', '', 0, '{', 0, 0, 0, '')", {}}});
    }
    SimulatedServer world(app.text("{}"));
    world.run([]() -> Task<> { co_return; }());
    const std::string failure = world.server().startup_failure();
    INFO(failure);
    CHECK(failure.find(app.file.name() + " is damaged (") != std::string::npos);
    CHECK(failure.find("move it away with " + app.file.name() + "-wal") != std::string::npos);
}

}  // namespace weir::jobs
