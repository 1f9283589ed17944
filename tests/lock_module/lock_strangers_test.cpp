// What clients that have not logged in can take from each other.

#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "core/observe/snapshot.h"
#include "modules/lock/plugin/module.h"
#include "modules/system/call/json.h"
#include "modules/testing/simulated_server.h"

using namespace weir;

namespace {

Registry registry() {
    return Registry().add<LockModule>();
}

std::string app(const std::string& settings = "{}") {
    return R"({"server": {"startup": ["lock"]}, "module": {"lock": )" + settings + "}}";
}

Ref<Caller> client(Server& server, std::string user, std::string source) {
    return Ref<Caller>(new Caller(server.access().rules(), std::move(user),
                                  std::vector<std::string>{"guest"}, std::move(source)));
}

Task<Json> ask_as(Ref<Caller> client, std::string function, Json parameters = Json::object()) {
    const ApiName name("lock", function);
    const ApiResult<Json> result = co_await call_for(std::move(client), name, parameters);
    co_return result ? result.value() : Json(to_text(result.error()));
}

// A guest that opens a session; another one that looks for it everywhere; the user ann.
Task<> look_for_sessions_of_others(SimulatedServer& world) {
    const Ref<Caller> victim = client(world.server(), "", "10.0.0.1");
    const Ref<Caller> thief = client(world.server(), "", "10.0.0.9");
    const Ref<Caller> ann = client(world.server(), "ann", "");
    const Json opened = co_await ask_as(victim, "open_session");
    const auto id = opened.at("session").get<std::string>();
    const std::string name = id.substr(0, 8);
    CHECK(id.size() == 32);
    CHECK(opened.at("name") == name);
    const Json opened_by_ann = co_await ask_as(ann, "open_session");

    const Json to_victim = co_await ask_as(victim, "sessions");
    CHECK(to_victim.empty());
    const Json to_thief = co_await ask_as(thief, "sessions");
    CHECK(to_thief.empty());
    const Json to_ann = co_await ask_as(ann, "sessions");
    REQUIRE(to_ann.size() == 1);
    CHECK(to_ann[0].at("session") == opened_by_ann.at("session"));
    const ApiResult<Json> to_module = co_await call("lock", "sessions");
    CHECK(to_module.value().size() == 2);

    Json wanted{{"session", id}, {"key", "a"}};
    const Json token = co_await ask_as(victim, "try", wanted);
    CHECK(token.is_number());
    const Json listed = co_await ask_as(thief, "list");
    CHECK_THAT(listed.dump(), Catch::Contains("session '" + name + "'"));
    CHECK_THAT(listed.dump(), !Catch::Contains(id));
    for (const RoutineInfo& routine : snapshot(world.scheduler()).routines) {
        CHECK_THAT(routine.name + routine.waits_for, !Catch::Contains(id));
    }
    Json guessed{{"session", name}, {"key", "a"}};
    const Json refused = co_await ask_as(thief, "release", std::move(guessed));
    CHECK_THAT(refused.get<std::string>(), Catch::StartsWith("unknown_session: "));
    // The id is all that a client of another address needs.
    const Json released =
        co_await ask_as(client(world.server(), "", "10.0.0.2"), "release", wanted);
    CHECK(released == true);
    Json of_ann{{"session", opened_by_ann.at("session")}};
    const Json not_closed = co_await ask_as(thief, "close_session", std::move(of_ann));
    CHECK_THAT(not_closed.get<std::string>(), Catch::StartsWith("unknown_session: "));
}

// Takes locks with names of 1000 bytes in a session of that client until that is refused; returns
// how many, and the error.
Task<std::string> hold_much(Ref<Caller> client) {
    const Json opened = co_await ask_as(client, "open_session");
    for (int i = 0;; ++i) {
        Json wanted{{"session", opened.at("session")},
                    {"key", client->source() + std::string(989, 'x') +
                                opened.at("name").get<std::string>() + std::to_string(1000 + i)}};
        const Json token = co_await ask_as(client, "try", std::move(wanted));
        if (!token.is_number()) {
            co_return std::to_string(i) + ": " + token.get<std::string>();
        }
    }
}

Task<> hold_as_clients(Server& server, std::vector<std::string>& told) {
    for (const char* source : {"10.0.0.1", "10.0.0.1", "10.0.0.2"}) {
        std::string held = co_await hold_much(client(server, "", source));
        told.push_back(std::move(held));
    }
}

}  // namespace

TEST_CASE("sessions of strangers are listed to no client, and their ids are in no name") {
    SimulatedServer world(app(), registry());
    world.leave_behind();  // open sessions
    world.run(look_for_sessions_of_others(world));
}

TEST_CASE("the locks of an address take its share of the memory, whatever its sessions") {
    std::vector<std::string> told;
    SimulatedServer world(app(R"({"max_held": "1MiB", "max_held_of_one": "64KiB"})"), registry());
    world.leave_behind();  // open sessions
    world.run(hold_as_clients(world.server(), told));
    const std::string refused =
        " holds locks, or waits for them, which take as much memory as is allowed, 65536 bytes "
        "(max_held_of_one)";
    CHECK(told == std::vector<std::string>{"21: limit_reached: the address '10.0.0.1'" + refused,
                                           "0: limit_reached: the address '10.0.0.1'" + refused,
                                           "21: limit_reached: the address '10.0.0.2'" + refused});
}
