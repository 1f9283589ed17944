#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "core/wait/timeout.h"
#include "modules/database/test_file.h"
#include "modules/queue/turns.h"
#include "modules/system/call/json.h"
#include "modules/testing/simulated_server.h"

namespace weir {

namespace {

using namespace std::chrono_literals;

std::string app(const std::string& queue = "{}", const std::string& more = "") {
    return R"({"server": {"startup": ["queue"]}, "module": {"queue": {"queues": {"q": )" + queue +
           "}" + more + "}}}";
}

Task<Json> ask(std::string function, std::string parameters) {
    Json given = Json::parse(parameters);
    const ApiResult<Json> result = co_await call("queue", function, std::move(given));
    co_return result ? result.value() : Json(to_text(result.error()));
}

// What the queue says to one question after the other. Without "queue": "q", which all have.
using Asked = std::vector<std::pair<std::string, std::string>>;
using Answers = std::vector<std::string>;

Task<> ask_all(Asked questions, Answers& answers) {
    for (auto& [function, parameters] : questions) {
        Task<Json> asking = ask(function, parameters);
        answers.push_back((co_await asking).dump());
    }
}

Answers answers_of(SimulatedServer& world, Asked questions) {
    Answers answers;
    world.run(ask_all(std::move(questions), answers));
    return answers;
}

std::string submit(const std::string& data, const std::string& more = "") {
    return R"({"queue": "q", "data": )" + data + more + "}";
}

Task<Json> fetch(std::string more = "") {
    return ask("fetch", R"({"queue": "q")" + more + "}");
}

std::string of(std::uint64_t id, std::uint32_t receipt, const std::string& more = "") {
    return R"({"id": )" + std::to_string(id) + R"(, "receipt": )" + std::to_string(receipt) + more +
           "}";
}

// Fetches all that there is, and returns the data.
Task<> fetch_all(std::vector<std::string>& data) {
    for (;;) {
        Task<Json> fetching = fetch();
        const Json job = co_await fetching;
        if (job.is_null()) {
            co_return;
        }
        data.push_back(job["data"].dump());
    }
}

}  // namespace

TEST_CASE("a job is fetched, finished, and gone") {
    SimulatedServer world(app());
    CHECK(
        answers_of(world, {{"fetch", R"({"queue": "q"})"},
                           {"submit", submit(R"({"x": [1, 2.5]})", R"(, "key": "ann")")},
                           {"fetch", R"({"queue": "q"})"},
                           {"fetch", R"({"queue": "q"})"},
                           {"finish", of(1, 2)},
                           {"finish", of(1, 1)},
                           {"finish", of(1, 1)},
                           {"submit", submit("2")}}) ==
        Answers{
            "null", "1",
            R"({"data":{"x":[1,2.5]},"id":1,"key":"ann","priority":0,"receipt":1,"tries":1})",
            "null",
            R"("not_yours: the caller does not have the job 1: it is done, or its time was over")",
            "null",
            R"("not_yours: the caller does not have the job 1: it is done, or its time was over")",
            "2"});
    CHECK(world.log() == "");
}

TEST_CASE("higher priorities come first, and keys take turns") {
    SimulatedServer world(app());
    std::vector<std::string> data;
    const auto script = [](std::vector<std::string>& all) -> Task<> {
        for (const char* job :
             {R"("a1", "key": "a")", R"("a2", "key": "a")", R"("a3", "key": "a")",
              R"("b1", "key": "b")", R"("c1", "key": "c")", R"("b2", "key": "b")",
              R"("urgent", "key": "a", "priority": 5)", R"("later", "key": "d", "priority": -1)"}) {
            Task<Json> asking = ask("submit", submit(job));
            co_await asking;
        }
        Task<> fetching = fetch_all(all);
        co_await fetching;
    };
    world.run(script(data));
    CHECK(data == std::vector<std::string>{R"("urgent")", R"("a1")", R"("b1")", R"("c1")",
                                           R"("a2")", R"("b2")", R"("a3")", R"("later")"});
    CHECK(world.log() == "");
}

TEST_CASE("a job whose worker does not come back is given to another") {
    SimulatedServer world(app(R"({"visibility": "10s"})"));
    const auto script = []() -> Task<> {
        Task<Json> adding = ask("submit", submit("1"));
        co_await adding;
        Task<Json> first = fetch();
        const auto first_result = co_await first;
        CHECK(first_result["receipt"] == 1);
        co_await sleep(9s);
        Task<Json> extending = ask("extend", of(1, 1));
        const auto extending_result = co_await extending;
        CHECK(extending_result.is_null());
        co_await sleep(9s);
        Task<Json> early = fetch();
        const auto early_result = co_await early;
        CHECK(early_result.is_null());
        Task<Json> second = fetch(R"(, "wait": "5s")");
        const Json job = co_await second;
        CHECK(job["receipt"] == 2);
        Task<Json> late = ask("finish", of(1, 1));
        const auto late_result = co_await late;
        CHECK(late_result.is_string());
        Task<Json> done = ask("finish", of(1, 2));
        const auto done_result = co_await done;
        CHECK(done_result.is_null());
    };
    world.run(script());
    CHECK(world.log() == "");
}

TEST_CASE("a job that fails is tried again, and fails for good in the end") {
    SimulatedServer world(app(R"({"retry": {"times": 1, "backoff": "10s", "jitter": 0}})"));
    const auto script = []() -> Task<> {
        Task<Json> adding = ask("submit", submit("7", R"(, "key": "k")"));
        co_await adding;
        Task<Json> first = fetch();
        co_await first;
        Task<Json> failing = ask("fail", of(1, 1, R"(, "reason": "no paper")"));
        const auto failing_result = co_await failing;
        CHECK(failing_result.is_null());
        Task<Json> early = fetch(R"(, "wait": "9s")");
        const auto early_result = co_await early;
        CHECK(early_result.is_null());
        Task<Json> again = fetch(R"(, "wait": "2s")");
        const auto again_result = co_await again;
        CHECK(again_result["receipt"] == 2);
        Task<Json> failing_again = ask("fail", of(1, 2, R"(, "reason": "no ink")"));
        const auto failing_again_result = co_await failing_again;
        CHECK(failing_again_result.is_null());
        Task<Json> looking = ask("dead", R"({"queue": "q"})");
        const auto looking_result = co_await looking;
        CHECK(looking_result.dump() ==
              R"([{"data":7,"id":1,"key":"k","reason":"no ink","tries":2}])");
        Task<Json> reviving = ask("revive", R"({"id": 1})");
        const auto reviving_result = co_await reviving;
        CHECK(reviving_result.is_null());
        Task<Json> last = fetch();
        const auto last_result = co_await last;
        CHECK(last_result["receipt"] == 3);
        Task<Json> done = ask("finish", of(1, 3));
        co_await done;
    };
    world.run(script());
    CHECK(world.log() == "");
}

TEST_CASE("workers wait for jobs in their order, and one that goes takes none with it") {
    SimulatedServer world(app());
    std::vector<std::string> got;
    const auto script = [](SimulatedServer& own, std::vector<std::string>& all) -> Task<> {
        const auto worker = [](std::string name, std::vector<std::string>& results) -> Task<> {
            Task<Json> fetching = fetch(R"(, "wait": "1m")");
            results.push_back(name + (co_await fetching)["data"].dump());
        };
        Container workers(own.scheduler());
        std::vector<Ref<Routine>> routines;
        for (const char* name : {"a", "b", "gone", "c"}) {
            routines.push_back(workers.start(worker(name, all)));
            co_await sleep(1s);
        }
        routines[2]->close();
        for (const char* data : {"1", "2", "3"}) {
            Task<Json> adding = ask("submit", submit(data));
            co_await adding;
        }
        co_await sleep(1s);
    };
    world.run(script(world, got));
    CHECK(got == std::vector<std::string>{"a1", "b2", "c3"});
    CHECK(world.log() == "");
}

TEST_CASE("what does not fit is refused, and jobs that wait can be replaced") {
    SimulatedServer world(app(R"({"max_jobs": 2})", R"(, "max_data": 10)"));
    CHECK(answers_of(world, {{"submit", submit(R"("0123456789")")},
                             {"submit", R"({"queue": "p"})"},
                             {"submit", submit("1", R"(, "key": "a")")},
                             {"submit", submit("2", R"(, "key": "a", "delay": "1h")")},
                             {"submit", submit("3", R"(, "key": "b")")},
                             {"submit", submit("4", R"(, "key": "a", "replace": true)")},
                             {"submit", submit("5", R"(, "key": "b")")},
                             {"fetch", R"({"queue": "q"})"},
                             {"submit", submit("6", R"(, "key": "b", "replace": true)")}}) ==
          Answers{R"("too_large: the data is larger than max_data")",
                  R"("unknown_queue: unknown queue 'p'")", "1", "2",
                  R"("limit_reached: the queue has no room: max_jobs")", "3", "4",
                  R"({"data":4,"id":3,"key":"a","priority":0,"receipt":1,"tries":1})", "5"});
    CHECK(world.log() == "");
}

TEST_CASE("a job that is refused replaces none, and keys and reasons count in the size") {
    SimulatedServer world(app(R"({"retry": {"times": 0}})", R"(, "max_size": 100)"));
    const std::string long_text(60, 'x');
    const std::string long_key = R"(, "key": ")" + long_text + R"(")";
    const std::string full = R"("limit_reached: there is no room: max_size")";
    CHECK(
        answers_of(world,
                   {{"submit", submit("1", R"(, "key": "a")")},
                    {"submit",
                     submit('"' + std::string(100, 'x') + '"', R"(, "key": "a", "replace": true)")},
                    {"submit", submit("2", long_key)},
                    {"submit", submit("3", long_key)},
                    {"fetch", R"({"queue": "q"})"},
                    {"fail", of(1, 1, R"(, "reason": ")" + long_text + R"(")")},
                    {"submit", submit("4")},
                    {"revive", R"({"id": 1})"},
                    {"submit", submit("5")},
                    {"submit", submit("6", R"(, "key": ")" + std::string(1025, 'x') + R"(")")}}) ==
        Answers{"1", full, "2", full,
                R"({"data":1,"id":1,"key":"a","priority":0,"receipt":1,"tries":1})", "null", full,
                "null", "3",
                R"("bad_parameter: key: has 1025 characters, expected at most 1024 characters")"});
    CHECK(world.log() == "");
}

TEST_CASE("of a long reason the beginning is kept") {
    SimulatedServer world(app(R"({"retry": {"times": 0}})"));
    std::string reason = "a";
    for (int i = 0; i != 3000; ++i) {
        reason += "\u00e4";
    }
    const Answers found =
        answers_of(world, {{"submit", submit("1")},
                           {"fetch", R"({"queue": "q"})"},
                           {"fail", of(1, 1, R"(, "reason": ")" + reason + R"(")")},
                           {"dead", R"({"queue": "q"})"}});
    const std::string kept = Json::parse(found[3])[0]["reason"];
    CHECK(kept.size() == 4095 + 4);
    CHECK(kept.ends_with("ä ..."));
    CHECK(world.log() == "");
}

TEST_CASE("a queue with a file has its jobs again when it is back") {
    const database::TestFile file("queue_test");
    {
        SimulatedServer world(app(R"({"retry": {"times": 0}})", ", " + file.setting()));
        answers_of(world, {{"submit", submit("1", R"(, "key": "a")")},
                           {"submit", submit("2", R"(, "priority": 1)")},
                           {"submit", submit("3")},
                           {"submit", submit(R"("ä")", R"(, "delay": "1h")")},
                           {"fetch", R"({"queue": "q"})"},
                           {"finish", of(2, 1)},
                           {"fetch", R"({"queue": "q", "visibility": "1h"})"},
                           {"fetch", R"({"queue": "q"})"},
                           {"fail", of(3, 1, R"(, "reason": "broken")")}});
        CHECK(world.log() == "");
    }
    SimulatedServer world(app("{}", ", " + file.setting()));
    const Answers found = answers_of(world, {{"list", "{}"},
                                             {"dead", R"({"queue": "q"})"},
                                             {"finish", of(1, 1)},
                                             {"submit", submit("5")}});
    const Json listed = Json::parse(found[0]);
    CHECK(listed[0]["ready"] == 0);
    CHECK(listed[0]["delayed"] == 1);
    CHECK(listed[0]["running"] == 1);
    CHECK(found[1] == R"([{"data":3,"id":3,"key":"","reason":"broken","tries":1}])");
    CHECK(found[2] == "null");
    CHECK(found[3] == "5");
    CHECK(world.log() == "");
}

TEST_CASE(
    "a reload keeps all jobs, their workers and the file, and ends no worker's wait in error") {
    const database::TestFile file("queue_test");
    const std::string in_file = ", " + file.setting();
    const std::string more = GENERATE_COPY(std::string(), in_file);
    SimulatedServer world(app(R"({"visibility": "10s"})", more));
    const auto script = [](SimulatedServer& own) -> Task<> {
        for (const char* data : {"1", "2", "3"}) {
            Task<Json> adding = ask("submit", submit(data));
            co_await adding;
        }
        Task<Json> first = fetch();
        const auto first_result = co_await first;
        CHECK(first_result["data"] == 1);
        std::vector<std::string> names{"queue"};
        co_await own.loader().reload(names);
        Task<Json> finishing = ask("finish", of(1, 1));
        const auto finishing_result = co_await finishing;
        CHECK(finishing_result.is_null());
        std::vector<std::string> rest;
        Task<> fetching = fetch_all(rest);
        co_await fetching;
        CHECK(rest == std::vector<std::string>{"2", "3"});
        const auto worker = [](bool& is_null) -> Task<> {
            Task<Json> waiting = fetch(R"(, "wait": "5s")");
            is_null = (co_await waiting).is_null();
        };
        bool is_null = false;
        Container workers(own.scheduler());
        const Ref<Routine> waits = workers.start(worker(is_null));
        co_await sleep(1s);
        const Time began = own.scheduler().now();
        co_await own.loader().reload(std::move(names));
        CHECK(own.scheduler().now() - began < 20ms);  // the wait has ended at once
        CHECK(waits->ended());
        CHECK(is_null);
        Task<Json> again = fetch(R"(, "wait": "20s")");
        const auto again_result = co_await again;
        CHECK(again_result["receipt"] == 2);
    };
    world.run(script(world));
    CHECK(world.log() == "");
}

TEST_CASE("what is taken in turn is what a simple model takes") {
    std::mt19937 random(7);
    jobs::Turns turns;
    struct Waiting {
        int priority;
        std::string key;
        std::uint64_t id;
    };
    std::vector<Waiting> waiting;
    std::map<std::pair<int, std::string>, std::uint64_t> last_turn;
    std::uint64_t clock = 0;
    for (std::uint64_t id = 1; id != 3000; ++id) {
        if (random() % 2 == 0) {
            const Waiting made{static_cast<int>(random() % 3),
                               std::string(1, char('a' + random() % 4)), id};
            const bool is_new =
                std::none_of(waiting.begin(), waiting.end(), [&](const Waiting& job) {
                    return job.priority == made.priority && job.key == made.key;
                });
            if (is_new) {
                last_turn[{made.priority, made.key}] = ++clock;
            }
            waiting.push_back(made);
            turns.add(made.priority, made.key, made.id);
            continue;
        }
        // The model: of the highest priority the key whose turn is longest ago, of it the oldest.
        const auto best = std::min_element(
            waiting.begin(), waiting.end(), [&](const Waiting& left, const Waiting& right) {
                const auto order = [&](const Waiting& job) {
                    return std::tuple(-job.priority, last_turn.at({job.priority, job.key}), job.id);
                };
                return order(left) < order(right);
            });
        const auto taken = turns.take();
        REQUIRE(taken.has_value() == (best != waiting.end()));
        if (taken) {
            REQUIRE(*taken == best->id);
            last_turn[{best->priority, best->key}] = ++clock;
            waiting.erase(best);
        }
        REQUIRE(turns.size() == waiting.size());
    }
}

}  // namespace weir
