// A queue with a file is killed at each of its writes.

#include <chrono>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "core/wait/timeout.h"
#include "modules/database/test_kills.h"
#include "modules/queue/module_class.h"

namespace weir::jobs {

namespace {

std::string shown(const Json& job, const Json& tries) {
    return job["data"].dump() + " tried " + tries.dump();
}

// Asks for all jobs when no worker has one any more.
Task<> read_queue(database::Content& found) {
    Json of_queue = Json::parse(R"({"queue": "q"})");
    const ApiResult<Json> dead = co_await call("queue", "dead", of_queue);
    for (const Json& job : dead.value()) {
        found[job["id"].dump()] =
            shown(job, job["tries"]) + " dead: " + job["reason"].get<std::string>();
    }
    co_await sleep(std::chrono::hours(2));
    for (;;) {
        Json wanted = Json::parse(R"({"queue": "q", "wait": "1s", "visibility": "10h"})");
        const ApiResult<Json> job = co_await call("queue", "fetch", std::move(wanted));
        if (job.value().is_null()) {
            break;
        }
        found[job.value()["id"].dump()] = shown(job.value(), job.value()["tries"].get<int>() - 1);
    }
    // Each job has an id that no job ever had.
    Json probe = Json::parse(R"({"queue": "q", "data": 0})");
    const ApiResult<Json> next = co_await call("queue", "submit", std::move(probe));
    found["next"] = next.value().dump();
}

database::KillTest queue_steps() {
    const std::string text = '"' + std::string(6000, 'x') + '"';  // on more than one page
    return {"queue",
            queue_class(),
            R"(, "queues": {"q": {"visibility": "1h", "retry": {"times": 9, "backoff": "1ms"}}})",
            {{"next", "1"}},
            {{{"submit", R"({"queue": "q", "data": 1})", {{"1", "1 tried 0"}, {"next", "2"}}}},
             {{"submit",
               R"({"queue": "q", "key": "k", "data": )" + text + "}",
               {{"2", text + " tried 0"}, {"next", "3"}}}},
             {{"submit",
               R"({"queue": "q", "key": "k", "priority": 1, "data": 3})",
               {{"3", "3 tried 0"}, {"next", "4"}}},
              {"submit", R"({"queue": "q", "data": [4]})", {{"4", "[4] tried 0"}, {"next", "5"}}},
              {"submit",
               R"({"queue": "q", "key": "k", "replace": true, "data": 5})",
               {{"2", {}}, {"3", {}}, {"5", "5 tried 0"}, {"next", "6"}}}},
             {{"fetch", R"({"queue": "q"})", {{"1", "1 tried 1"}}}},
             {{"extend", R"({"id": 1, "receipt": 1})", {}},
              {"fetch", R"({"queue": "q"})", {{"5", "5 tried 1"}}}},
             {{"finish", R"({"id": 1, "receipt": 1})", {{"1", {}}}}},
             {{"fail", R"({"id": 5, "receipt": 1, "retry_in": "1h"})", {}},
              {"fetch", R"({"queue": "q"})", {{"4", "[4] tried 1"}}}},
             {{"fail",
               R"({"id": 4, "receipt": 1, "final": true, "reason": "no"})",
               {{"4", "[4] tried 1 dead: no"}}}},
             {{"revive", R"({"id": 4})", {{"4", "[4] tried 1"}}}},
             {{"fetch", R"({"queue": "q", "visibility": "5s"})", {{"4", "[4] tried 2"}}}},
             {{"sleep", "", {}}},
             {{"reload", "", {}}},
             {{"fetch", R"({"queue": "q"})", {{"4", "[4] tried 3"}}},
              {"submit",
               R"({"queue": "q", "delay": "30m", "data": 6})",
               {{"6", "6 tried 0"}, {"next", "7"}}}},
             {{"finish", R"({"id": 4, "receipt": 3})", {{"4", {}}}}}},
            read_queue};
}

}  // namespace

TEST_CASE("a queue that is killed at any write loses no job and repeats none that was finished") {
    SECTION("before the write") {
        database::kill_at_each_write(queue_steps(), Kill::before);
    }
    SECTION("in the middle of the write") {
        database::kill_at_each_write(queue_steps(), Kill::halfway);
    }
    SECTION("and killed once more while it comes back, or ends") {
        database::kill_at_each_write(queue_steps(), Kill::before, database::Again::yes);
    }
}

TEST_CASE("a queue loses no job when the machine loses power at any write") {
    database::kill_at_each_write(queue_steps(), Kill::power_loss);
}

}  // namespace weir::jobs
