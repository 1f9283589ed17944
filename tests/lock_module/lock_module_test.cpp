#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <malloc.h>

#include "core/wait/timeout.h"
#include "modules/lock/plugin/module.h"
#include "modules/system/call/json.h"
#include "modules/system/server/load_error.h"
#include "modules/testing/allocations.h"
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
    const ApiResult<Json> result = co_await call("lock", function, std::move(parameters));
    co_return result ? result.value() : Json(to_text(result.error()));
}

Task<std::string> open(std::string name, std::string time_to_live = "1m") {
    Json parameters{{"name", name}, {"time_to_live", time_to_live}};
    const Json opened = co_await ask("open_session", std::move(parameters));
    co_return opened.at("session").get<std::string>();
}

// Notes what a function answers for a session and a key.
Task<> tell(std::string function, std::string session, std::string key, Texts& told) {
    Json parameters{{"session", session}, {"key", key}};
    const Json answer = co_await ask(function, std::move(parameters));
    told.push_back(function + " " + key + ": " + answer.dump());
}

Task<> acquire_for(std::string session, std::string key, std::string timeout, Texts& told) {
    Json parameters{{"session", session}, {"key", key}, {"timeout", timeout}};
    const Json answer = co_await ask("acquire", std::move(parameters));
    told.push_back("acquire " + key + ": " + answer.dump());
}

Task<> two_sessions(Texts& told) {
    const std::string a = co_await open("a");
    const std::string b = co_await open("b");
    co_await tell("acquire", a, "key", told);
    co_await tell("try", a, "key", told);
    co_await tell("try", b, "key", told);
    co_await acquire_for(b, "key", "2s", told);
    co_await tell("release", b, "key", told);
    co_await tell("release", a, "key", told);
    co_await tell("try", b, "key", told);
    co_await tell("try", "none", "key", told);
}

Task<> expire(Scheduler& scheduler, Texts& told) {
    const std::string a = co_await open("a", "10s");
    const std::string b = co_await open("b", "10s");
    const Time begin = scheduler.now();
    co_await tell("acquire", a, "key", told);
    co_await sleep(6s);
    Json session{{"session", a}};
    co_await ask("renew_session", std::move(session));
    // B waits for longer than its time to live: a call keeps its session alive.
    co_await tell("acquire", b, "key", told);
    told.push_back(
        "after " +
        std::to_string(
            std::chrono::duration_cast<std::chrono::seconds>(scheduler.now() - begin).count()) +
        " s");
    co_await tell("release", a, "key", told);
}

// Opens a session that holds a lock, and closes it, so many times.
Task<> open_and_close(int times) {
    Texts told;
    for (int i = 0; i < times; ++i) {
        const std::string session = co_await open("a");
        co_await tell("acquire", session, "key", told);
        Json parameters{{"session", session}};
        co_await ask("close_session", std::move(parameters));
    }
}

// What is there besides: timers, the module's routines, bytes.
struct Living {
    std::size_t timers;
    std::size_t routines;
    std::size_t bytes;

    explicit Living(SimulatedServer& world)
        : timers(world.scheduler().timers().size()), routines(0), bytes(mallinfo2().uordblks) {
        for ([[maybe_unused]] const Routine& routine : world.loader().find("lock")->routines()) {
            ++routines;
        }
    }
};

Task<> close_many(SimulatedServer& world) {
    co_await open_and_close(10);
    const Living before(world);
    co_await open_and_close(1000);
    const Living after(world);
    CHECK(after.timers == before.timers);
    CHECK(after.routines == before.routines);
    CHECK(after.bytes < before.bytes + 1000 * 16);  // the log of the test may grow
}

// Opens sessions that last for different times, uses one, closes one, and notes when the others
// have expired.
Task<> expire_in_turn(Scheduler& scheduler, Texts& told) {
    const Time begin = scheduler.now();
    co_await open("long", "30s");
    const std::string used = co_await open("used", "10s");
    const std::string closed = co_await open("closed", "10s");
    co_await open("short", "5s");
    co_await sleep(4s);
    Json renewed{{"session", used}};
    co_await ask("renew_session", std::move(renewed));
    Json closing{{"session", closed}};
    co_await ask("close_session", std::move(closing));
    for (std::string before; before != "-";) {
        const Json open = co_await ask("sessions");
        std::set<std::string> names;
        for (const Json& session : open) {
            names.insert(session.at("name").get<std::string>());
        }
        std::string now = "-";
        for (const std::string& name : names) {
            now += name + "-";
        }
        if (now != before) {
            const auto time = std::chrono::round<std::chrono::seconds>(scheduler.now() - begin);
            told.push_back(std::to_string(time.count()) + " s: " + now);
        }
        before = now;
        co_await sleep(100ms);
    }
}

Task<> close_while_one_waits(Container& container, Texts& told) {
    const std::string a = co_await open("a");
    const std::string b = co_await open("b");
    co_await tell("acquire", a, "key", told);
    container.start(tell("acquire", b, "key", told));
    co_await sleep(1s);
    const Json listed = co_await ask("list");
    told.push_back(listed[0]["holders"][0]["owner"].get<std::string>() + " holds, " +
                   listed[0]["waiters"][0]["owner"].get<std::string>() + " waits for " +
                   listed[0]["waiters"][0]["seconds"].dump() + " s");
    Json session_b{{"session", b}};
    co_await ask("close_session", std::move(session_b));
    co_await sleep(1s);
    Json session_a{{"session", a}};
    co_await ask("close_session", std::move(session_a));
    const Json nothing = co_await ask("list");
    told.push_back(nothing.dump());
    const Json none = co_await ask("sessions");
    told.push_back(none.dump());
}

Task<> run_into_each_other(Container& container, Texts& told) {
    const std::string a = co_await open("a");
    const std::string b = co_await open("b");
    co_await tell("acquire", a, "x", told);
    co_await tell("acquire", b, "y", told);
    container.start(acquire_for(a, "y", "5s", told));
    container.start(acquire_for(b, "x", "5s", told));
    co_await sleep(1s);
    const Json deadlocks = co_await ask("deadlocks");
    told.push_back(std::to_string(deadlocks.size()) + " deadlock of " +
                   std::to_string(deadlocks[0]["members"].size()));
    co_await sleep(10s);
    const Json statistics = co_await ask("statistics");
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

// Lists keys, holders and waiters, so many together.
Task<> list_few(Container& container, Texts& told, Texts& others) {
    const std::string a = co_await open("a");
    const std::string b = co_await open("b");
    const std::string c = co_await open("c");
    for (const char* key : {"x", "y", "z"}) {
        co_await tell("acquire", a, key, others);
    }
    container.start(acquire_for(b, "x", "5s", others));
    container.start(acquire_for(c, "x", "5s", others));
    co_await sleep(1s);
    for (const int most : {3, 4, 6, 8}) {
        Json parameters{{"most", most}};
        const Json listed = co_await ask("list", std::move(parameters));
        std::string text;
        for (const Json& lock : listed) {
            text += std::to_string(lock["holders"].size()) + '/' + lock["holding"].dump() + ' ' +
                    std::to_string(lock["waiters"].size()) + '/' + lock["waiting"].dump() + ", ";
        }
        told.push_back(text);
    }
}

// Takes 50 locks with long keys, which are six times as long in JSON, and lists them.
Task<> list_long_names(Texts& told) {
    const std::string session = co_await open("a");
    Texts taken;
    for (int i = 0; i < 50; ++i) {
        co_await tell("acquire", session, std::to_string(i) + std::string(4000, '\x01'), taken);
    }
    const Texts asked{"{}", R"({"most": 49})", R"({"pattern": "1*"})", R"({"most": 40})"};
    for (const std::string& text : asked) {
        Json parameters = Json::parse(text);
        const Json listed = co_await ask("list", std::move(parameters));
        told.push_back(listed.is_array() ? std::to_string(listed.size()) : listed.dump());
    }
}

Task<> list_sessions_with_long_names(Texts& told) {
    for (int i = 0; i != 1000; ++i) {
        co_await open(std::to_string(i) + std::string(200, '\x01'));
    }
    const Texts asked{"{}", R"({"pattern": "1*"})"};
    for (const std::string& text : asked) {
        Json parameters = Json::parse(text);
        const Json listed = co_await ask("sessions", std::move(parameters));
        told.push_back(listed.is_array() ? std::to_string(listed.size()) : listed.dump());
    }
}

Task<> open_too_many(Texts& told) {
    const std::string first = co_await open("a");
    co_await open("b");
    Json parameters{{"name", "c"}};
    told.push_back((co_await ask("open_session", std::move(parameters))).dump());
    Json session{{"session", first}};
    co_await ask("close_session", std::move(session));
    co_await open("c");
}

// Opens a session for a client with all rights; returns its id, or the error.
Task<std::string> open_for(Ref<Caller> client) {
    Json parameters{{"name", "a"}};
    const ApiResult<Json> opened =
        co_await call_for(std::move(client), ApiName("lock", "open_session"), parameters);
    co_return opened ? opened.value().at("session").get<std::string>() : to_text(opened.error());
}

Task<> open_as_clients(Server& server, Texts& told) {
    const auto client = [&](std::string user, std::string source) {
        return Ref<Caller>(new Caller(server.access().rules(), std::move(user),
                                      std::vector<std::string>{"admin"}, std::move(source)));
    };
    const auto tell_refusal = [&](std::string user, std::string source) -> Task<> {
        const std::string answer = co_await open_for(client(std::move(user), std::move(source)));
        told.push_back(answer.find(' ') == std::string::npos ? "opened" : answer);
    };
    std::string first = co_await open_for(client("", "10.0.0.1"));
    co_await tell_refusal("", "10.0.0.1");
    co_await tell_refusal("", "10.0.0.1");
    co_await tell_refusal("", "10.0.0.2");
    co_await tell_refusal("ann", "10.0.0.1");
    co_await tell_refusal("ann", "10.0.0.2");
    co_await tell_refusal("ann", "10.0.0.3");
    Json session{{"session", first}};
    co_await ask("close_session", std::move(session));
    co_await tell_refusal("", "10.0.0.1");
    co_await sleep(2min);  // all expire
    co_await tell_refusal("ann", "10.0.0.1");
}

Task<> change(Server& server, Container& container, Texts& told) {
    Texts sessions;
    for (const char* name : {"a", "b", "c"}) {
        sessions.push_back(co_await open(name));
    }
    const auto acquire = [](std::string session, Texts& answers) -> Task<> {
        Json parameters{{"session", session}, {"key", "db"}, {"context", "pool"}};
        const Json answer = co_await ask("acquire", std::move(parameters));
        answers.push_back(answer.dump());
    };
    Task<> first = acquire(sessions[0], told);
    co_await first;
    container.start(acquire(sessions[1], told));
    co_await sleep(1s);
    told.push_back("limited to one waiter:");
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

TEST_CASE("a lock that is acquired through the API belongs to a session") {
    Texts told;
    SimulatedServer world(app(), registry());
    world.leave_behind();  // open sessions
    world.run(two_sessions(told));
    CHECK(told == Texts{"acquire key: 1", "try key: 1", "try key: null", "acquire key: null",
                        "release key: false", "release key: true", "try key: 2",
                        "try key: \"unknown_session: there is no session 'none': it was closed, "
                        "or it expired\""});
    CHECK(world.log() == "");
}

TEST_CASE(
    "a session that is neither used nor renewed expires, and its locks go to the next waiters") {
    Texts told;
    SimulatedServer world(app(), registry());
    world.leave_behind();  // open sessions
    world.run(expire(world.scheduler(), told));
    REQUIRE(told.size() == 4);
    CHECK(told[0] == "acquire key: 1");
    CHECK(told[1] == "acquire key: 2");
    CHECK(told[2] == "after 16 s");
    CHECK(told[3].find("unknown_session") != std::string::npos);
}

namespace {

Task<> open_for_too_long() {
    Json allowed{{"time_to_live", "10s"}};
    const Json opened = co_await ask("open_session", std::move(allowed));
    CHECK(opened.contains("session"));
    Json longer{{"time_to_live", "11s"}};
    const Json refused = co_await ask("open_session", std::move(longer));
    CHECK(refused ==
          "bad_parameter: time_to_live: expected at most 10s, the setting "
          "max_time_to_live of the module");
}

}  // namespace

TEST_CASE("a session lasts no longer than the module allows") {
    SimulatedServer world(app(R"({"max_time_to_live": "10s"})"), registry());
    world.leave_behind();  // an open session
    world.run(open_for_too_long());
}

TEST_CASE("a session that is closed leaves nothing behind, before its time to live too") {
    SimulatedServer world(app(), registry());
    world.run(close_many(world));
}

TEST_CASE("each of several sessions expires in its time, whichever was opened first") {
    Texts told;
    SimulatedServer world(app(), registry());
    world.run(expire_in_turn(world.scheduler(), told));
    CHECK(told == Texts{"4 s: -long-short-used-", "5 s: -long-used-", "14 s: -long-", "30 s: -"});
}

TEST_CASE("closing a session ends its waits and releases its locks") {
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

TEST_CASE("a list of locks that is limited counts what it leaves out") {
    Texts told;
    Texts others;
    SimulatedServer world(app(), registry());
    world.leave_behind();  // open sessions
    Container container(world.scheduler());
    world.run(list_few(container, told, others));
    CHECK(told ==
          Texts{"1/1 1/2, ", "1/1 2/2, ", "1/1 2/2, 1/1 0/0, ", "1/1 2/2, 1/1 0/0, 1/1 0/0, "});
}

TEST_CASE("a listing of locks with long names is refused, and a narrower one is not") {
    Texts told;
    SimulatedServer world(app(), registry());
    world.leave_behind();  // an open session
    world.run(list_long_names(told));
    const std::string refusal =
        "\"limit_reached: the names of keys and owners that match have more than 1 MiB, which are "
        "not listed: give a narrower pattern\"";
    CHECK(told == Texts{refusal, refusal, "11", "20"});  // 20 keys and 20 holders
}

TEST_CASE("a listing of sessions with long names is refused, and a narrower one is not") {
    Texts told;
    SimulatedServer world(app(), registry());
    world.leave_behind();  // open sessions
    world.run(list_sessions_with_long_names(told));
    CHECK(told == Texts{"\"limit_reached: the names of sessions that match, and of locks that they "
                        "have lost, have more than 1 MiB, which are not listed: give a narrower "
                        "pattern\"",
                        "111"});
}

TEST_CASE("sessions are limited") {
    Texts told;
    SimulatedServer world(app(R"({"max_sessions": 2})"), registry());
    world.leave_behind();  // open sessions
    world.run(open_too_many(told));
    CHECK(told == Texts{"\"too_many_sessions: there are 2 sessions already, as many as are allowed "
                        "(max_sessions)\""});
}

TEST_CASE("a client opens its share of the sessions, and leaves the rest to other clients") {
    Texts told;
    SimulatedServer world(app(R"({"max_sessions": 20})"), registry());
    world.leave_behind();  // open sessions
    world.run(open_as_clients(world.server(), told));
    const std::string has =
        " has 2 sessions already, as many as are allowed "
        "(max_sessions_of_one)";
    CHECK(told == Texts{"opened", "too_many_sessions: the address '10.0.0.1'" + has, "opened",
                        "opened", "opened", "too_many_sessions: user 'ann'" + has, "opened",
                        "opened"});
}

TEST_CASE("the API reports deadlocks and statistics") {
    Texts told;
    SimulatedServer world(app(), registry());
    world.leave_behind();  // open sessions
    Container container(world.scheduler());
    world.run(run_into_each_other(container, told));
    CHECK(told == Texts{"acquire x: 1", "acquire y: 2", "1 deadlock of 2", "acquire y: null",
                        "acquire x: null", "acquired 2, timed out 2, waits counted 2"});
    CHECK(world.log().find("deadlock") != std::string::npos);
}

TEST_CASE("the API creates, resizes and destroys semaphores") {
    Texts told;
    SimulatedServer world(app(), registry());
    world.leave_behind();  // open sessions
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

TEST_CASE("limits and sizes may change while sessions hold locks and wait for them") {
    Texts told;
    SimulatedServer world(app(R"({"contexts": {"pool": {}}})"), registry());
    world.leave_behind();  // open sessions
    Container container(world.scheduler());
    world.run(change(world.server(), container, told));
    REQUIRE(told.size() == 5);
    CHECK(told[0] == "1");
    CHECK(told[2].find("limit_reached: ") != std::string::npos);
    CHECK(told[3] == "room for two:");
    CHECK(told[4] == "2");
}

namespace {

Task<> unload_without_memory(SimulatedServer& world, AllocationFailure& failure, int& refusals) {
    const std::string session = co_await open("ann");
    Texts told;
    for (const char* semaphore : {"s", "t"}) {
        Json size{{"key", semaphore}, {"size", 2}};
        co_await ask("create_semaphore", std::move(size));
    }
    bool refused = false;
    bool again = false;
    Task<> unloading = world.loader().unload("lock");
    failure.arm();
    try {
        co_await unloading;
    } catch (const UnloadRefused&) {
        refused = true;
    } catch (const std::bad_alloc&) {
        again = true;
    }
    failure.disarm();
    if (again) {
        Task<> once_more = world.loader().unload("lock");
        co_await once_more;
    }
    if (!refused) {
        co_return;
    }
    ++refusals;
    const Json semaphores = co_await ask("semaphores");
    CHECK(semaphores.size() == 2);
    co_await tell("acquire", session, "key", told);
    co_await tell("release", session, "key", told);
    CHECK(told.front().find("error") == std::string::npos);
    CHECK(told.back() == "release key: true");
}

}  // namespace

TEST_CASE("the lock whose unloading is refused for lack of memory keeps its sessions") {
    int refusals = 0;
    fail_each_allocation([&refusals](AllocationFailure& failure) {
        SimulatedServer world(app(), registry());
        world.run(unload_without_memory(world, failure, refusals));
        world.leave_behind();
    });
    CHECK(refusals > 3);
}
