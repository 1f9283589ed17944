#include <catch2/catch.hpp>

#include "core/wait/timeout.h"
#include "modules/lock/plugin/module.h"
#include "modules/testing/simulated_server.h"

using namespace weir;
using namespace std::chrono_literals;

namespace {

using Texts = std::vector<std::string>;

Registry registry() {
    return Registry().add<LockModule>();
}

std::string app(const std::string& settings = "{}") {
    return R"({"server": {"startup": ["lock"]}, "module": {"lock": )" + settings + "}}";
}

Task<Json> ask(std::string function, Json parameters = Json::object()) {
    Task<ApiResult<Json>> calling = call("lock", function, std::move(parameters));
    const ApiResult<Json> result = co_await calling;
    co_return result ? result.value() : Json(to_text(result.error()));
}

Task<std::string> open(std::string name, std::string time_to_live = "1m") {
    Json parameters{{"name", name}, {"time_to_live", time_to_live}};
    Task<Json> opening = ask("open_session", std::move(parameters));
    const Json opened = co_await opening;
    co_return opened.at("session").get<std::string>();
}

// Tells what a function answers for a key of a session.
Task<> tell(std::string function, std::string session, std::string key, Texts& told) {
    Json parameters{{"session", session}, {"key", key}};
    Task<Json> asking = ask(function, std::move(parameters));
    const Json answer = co_await asking;
    told.push_back(function + " " + key + ": " + answer.dump());
}

Task<> acquire_for(std::string session, std::string key, std::string timeout, Texts& told) {
    Json parameters{{"session", session}, {"key", key}, {"timeout", timeout}};
    Task<Json> asking = ask("acquire", std::move(parameters));
    const Json answer = co_await asking;
    told.push_back("acquire " + key + ": " + answer.dump());
}

Task<> two_sessions(Texts& told) {
    Task<std::string> opening_a = open("a");
    const std::string a = co_await opening_a;
    Task<std::string> opening_b = open("b");
    const std::string b = co_await opening_b;
    Task<> first = tell("acquire", a, "key", told);
    co_await first;
    Task<> again = tell("try", a, "key", told);
    co_await again;
    Task<> refused = tell("try", b, "key", told);
    co_await refused;
    Task<> late = acquire_for(b, "key", "2s", told);
    co_await late;
    Task<> not_held = tell("release", b, "key", told);
    co_await not_held;
    Task<> released = tell("release", a, "key", told);
    co_await released;
    Task<> free = tell("try", b, "key", told);
    co_await free;
    Task<> unknown = tell("try", "none", "key", told);
    co_await unknown;
}

Task<> expire(Scheduler& scheduler, Texts& told) {
    Task<std::string> opening_a = open("a", "10s");
    const std::string a = co_await opening_a;
    Task<std::string> opening_b = open("b", "10s");
    const std::string b = co_await opening_b;
    const Time begin = scheduler.now();
    Task<> held = tell("acquire", a, "key", told);
    co_await held;
    co_await sleep(6s);
    Json session{{"session", a}};
    Task<Json> renewing = ask("renew_session", std::move(session));
    co_await renewing;
    // B waits for longer than its time: a session whose call is under way is in use.
    Task<> next = tell("acquire", b, "key", told);
    co_await next;
    told.push_back(
        "after " +
        std::to_string(
            std::chrono::duration_cast<std::chrono::seconds>(scheduler.now() - begin).count()) +
        " s");
    Task<> over = tell("release", a, "key", told);
    co_await over;
}

Task<> close_while_one_waits(Container& container, Texts& told) {
    Task<std::string> opening_a = open("a");
    const std::string a = co_await opening_a;
    Task<std::string> opening_b = open("b");
    const std::string b = co_await opening_b;
    Task<> held = tell("acquire", a, "key", told);
    co_await held;
    container.start(tell("acquire", b, "key", told));
    co_await sleep(1s);
    Task<Json> listing = ask("list");
    const Json listed = co_await listing;
    told.push_back(listed[0]["holders"][0]["owner"].get<std::string>() + " holds, " +
                   listed[0]["waiters"][0]["owner"].get<std::string>() + " waits for " +
                   listed[0]["waiters"][0]["seconds"].dump() + " s");
    Json session_b{{"session", b}};
    Task<Json> closing_b = ask("close_session", std::move(session_b));
    co_await closing_b;
    co_await sleep(1s);
    Json session_a{{"session", a}};
    Task<Json> closing_a = ask("close_session", std::move(session_a));
    co_await closing_a;
    Task<Json> listing_again = ask("list");
    const Json nothing = co_await listing_again;
    told.push_back(nothing.dump());
    Task<Json> sessions = ask("sessions");
    const Json none = co_await sessions;
    told.push_back(none.dump());
}

Task<> run_into_each_other(Container& container, Texts& told) {
    Task<std::string> opening_a = open("a");
    const std::string a = co_await opening_a;
    Task<std::string> opening_b = open("b");
    const std::string b = co_await opening_b;
    Task<> first = tell("acquire", a, "x", told);
    co_await first;
    Task<> second = tell("acquire", b, "y", told);
    co_await second;
    container.start(acquire_for(a, "y", "5s", told));
    container.start(acquire_for(b, "x", "5s", told));
    co_await sleep(1s);
    Task<Json> asking = ask("deadlocks");
    const Json deadlocks = co_await asking;
    told.push_back(std::to_string(deadlocks.size()) + " deadlock of " +
                   std::to_string(deadlocks[0]["members"].size()));
    co_await sleep(10s);
    Task<Json> asking_for_numbers = ask("statistics");
    const Json statistics = co_await asking_for_numbers;
    told.push_back("acquired " + statistics["acquired"].dump() + ", timed out " +
                   statistics["timed_out"].dump() + ", waits counted " +
                   statistics["wait_seconds"]["buckets"][0][1].dump());
}

// What each session answers that tries to take the key, shared or exclusive.
Task<> try_all(const Texts& sessions, bool shared, Texts& told) {
    for (const std::string& session : sessions) {
        Json parameters{{"session", session}, {"key", "s"}, {"shared", shared}};
        told.push_back((co_await ask("try", std::move(parameters))).dump());
    }
}

Task<> use_semaphore(Texts& told) {
    Texts sessions;
    for (const char* name : {"a", "b", "c"}) {
        sessions.push_back(co_await open(name));
    }
    Json two{{"key", "s"}, {"size", 2}, {"made_by", "tester"}};
    co_await ask("create_semaphore", std::move(two));
    co_await try_all(sessions, true, told);
    const Texts first{sessions[0]};
    co_await try_all(first, false, told);
    Json three{{"key", "s"}, {"size", 3}};
    co_await ask("resize_semaphore", std::move(three));
    co_await try_all(sessions, true, told);
    const Json listed = co_await ask("semaphores");
    told.push_back(std::to_string(listed.size()) + " by " +
                   listed[0]["semaphore"]["made_by"].get<std::string>());
    Json name{{"key", "s"}};
    co_await ask("destroy_semaphore", std::move(name));
    Json again{{"key", "s"}, {"size", 3}};
    told.push_back((co_await ask("resize_semaphore", std::move(again))).dump());
    co_await try_all(first, true, told);
    Json in_use{{"key", "s"}, {"size", 3}};
    const std::string refused = (co_await ask("create_semaphore", std::move(in_use))).dump();
    told.push_back(refused.substr(0, 8));
}

// How many semaphores there are after so much time each.
Task<> let_expire(Texts& told) {
    const std::string session = co_await open("a", "1h");
    const Texts sessions{session};
    for (const char* key : {"s", "unused"}) {
        Json two{{"key", key}, {"size", 2}};
        co_await ask("create_semaphore", std::move(two));
    }
    co_await try_all(sessions, true, told);
    co_await sleep(11min);
    told.push_back(std::to_string((co_await ask("semaphores")).size()));
    Json held{{"session", session}, {"key", "s"}};
    co_await ask("release", std::move(held));
    co_await sleep(9min);
    told.push_back(std::to_string((co_await ask("semaphores")).size()));
    co_await sleep(2min);
    told.push_back(std::to_string((co_await ask("semaphores")).size()));
}

Task<> change(Server& server, Container& container, Texts& told) {
    Texts sessions;
    for (const char* name : {"a", "b", "c"}) {
        Task<std::string> opening = open(name);
        sessions.push_back(co_await opening);
    }
    const auto acquire = [](std::string session, Texts& answers) -> Task<> {
        Json parameters{{"session", session}, {"key", "db"}, {"context", "pool"}};
        Task<Json> asking = ask("acquire", std::move(parameters));
        const Json answer = co_await asking;
        answers.push_back(answer.dump());
    };
    Task<> first = acquire(sessions[0], told);
    co_await first;
    container.start(acquire(sessions[1], told));
    co_await sleep(1s);
    told.push_back("limited to one that waits:");
    server.reconfigure(
        SimulatedServer::read(app(R"({"max_waiters": 1, "contexts": {"pool": {}}})")));
    Task<> refused = acquire(sessions[2], told);
    co_await refused;
    told.push_back("room for two:");
    server.reconfigure(SimulatedServer::read(
        app(R"({"contexts": {"pool": {"semaphores": [{"keys": "d*", "size": 2}]}}})")));
    co_await sleep(1s);
}

}  // namespace

TEST_CASE("a lock that is taken through the API belongs to a session") {
    Texts told;
    SimulatedServer world(app(), registry());
    world.leave_behind();  // sessions that are open
    world.run(two_sessions(told));
    CHECK(told == Texts{"acquire key: 1", "try key: 1", "try key: null", "acquire key: null",
                        "release key: false", "release key: true", "try key: 2",
                        "try key: \"unknown_session: there is no session 'none': it was closed, "
                        "or it expired\""});
    CHECK(world.log() == "");
}

TEST_CASE("a session that is neither used nor renewed is over, and its locks go to the next") {
    Texts told;
    SimulatedServer world(app(), registry());
    world.leave_behind();  // sessions that are open
    world.run(expire(world.scheduler(), told));
    REQUIRE(told.size() == 4);
    CHECK(told[0] == "acquire key: 1");
    CHECK(told[1] == "acquire key: 2");
    CHECK(told[2] == "after 16 s");
    CHECK(told[3].find("unknown_session") != std::string::npos);
}

TEST_CASE("closing a session ends its waits and gives back its locks") {
    Texts told;
    SimulatedServer world(app(), registry());
    Container container(world.scheduler());
    world.run(close_while_one_waits(container, told));
    REQUIRE(told.size() == 5);
    CHECK(told[1] == "session 'a' holds, session 'b' waits for 1.0 s");
    CHECK(told[2].find("session_closed: ") != std::string::npos);
    CHECK(told[3] == "[]");
    CHECK(told[4] == "[]");
}

TEST_CASE("deadlocks and statistics are told") {
    Texts told;
    SimulatedServer world(app(), registry());
    world.leave_behind();  // sessions that are open
    Container container(world.scheduler());
    world.run(run_into_each_other(container, told));
    CHECK(told == Texts{"acquire x: 1", "acquire y: 2", "1 deadlock of 2", "acquire y: null",
                        "acquire x: null", "acquired 2, timed out 2, waits counted 2"});
    CHECK(world.log().find("deadlock") != std::string::npos);
}

TEST_CASE("semaphores are created, resized and destroyed through the API") {
    Texts told;
    SimulatedServer world(app(), registry());
    world.leave_behind();  // sessions that are open
    world.run(use_semaphore(told));
    CHECK(told ==
          Texts{"1", "2", "null",
                "\"not_exclusive: lock 's' in context 'default': the key has a semaphore of "
                "size 2, made by tester: it can be locked as shared only\"",
                "1", "2", "3", "1 by tester",
                "\"failed: there is no semaphore 's' in context 'default'\"",
                "\"no_semaphore: lock 's' in context 'default': the key has no semaphore to "
                "share\"",
                "\"in_use:"});
}

TEST_CASE("a semaphore expires when it was neither held nor waited for") {
    Texts told;
    SimulatedServer world(app(R"({"semaphore_idle_timeout": "10m"})"), registry());
    world.leave_behind();  // sessions that are open
    world.run(let_expire(told));
    CHECK(told == Texts{"1", "1", "1", "0"});
}

TEST_CASE("limits and sizes change while locks are held and waited for") {
    Texts told;
    SimulatedServer world(app(R"({"contexts": {"pool": {}}})"), registry());
    world.leave_behind();  // sessions that are open
    Container container(world.scheduler());
    world.run(change(world.server(), container, told));
    REQUIRE(told.size() == 5);
    CHECK(told[0] == "1");
    CHECK(told[2].find("limit_reached: ") != std::string::npos);
    CHECK(told[3] == "room for two:");
    CHECK(told[4] == "2");
}
