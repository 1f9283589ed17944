// What clients of the module `lock` see of each other, and how long they wait for each other.

#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "core/wait/do_events.h"
#include "core/wait/long_work.h"
#include "modules/lock/plugin/module.h"
#include "modules/system/call/json.h"
#include "modules/testing/simulated_server.h"

using namespace weir;

namespace {

Registry registry() {
    return Registry().add<LockModule>();
}

std::string app() {
    return R"({"server": {"startup": ["lock"]}})";
}

Task<Json> ask(std::string function, Json parameters = Json::object()) {
    const ApiResult<Json> result = co_await call("lock", function, std::move(parameters));
    co_return result ? result.value() : Json(to_text(result.error()));
}

Task<Json> ask_as(Ref<Caller> client, std::string function, Json parameters = Json::object()) {
    const ApiName name("lock", function);
    const ApiResult<Json> result = co_await call_for(std::move(client), name, parameters);
    co_return result ? result.value() : Json(to_text(result.error()));
}

Task<std::string> open_as(Ref<Caller> client) {
    Json parameters = Json::object();
    const Json opened = co_await ask_as(std::move(client), "open_session", std::move(parameters));
    co_return opened.at("session").get<std::string>();
}

Ref<Caller> guest(Server& server, std::string address) {
    return Ref<Caller>(new Caller(server.access().rules(), "", std::vector<std::string>{"guest"},
                                  std::move(address)));
}

Task<> list_much(Scheduler& scheduler, std::vector<std::uint64_t>& rounds) {
    const Json listed = co_await ask("list");
    CHECK(listed.size() == LongWork::per_round);
    rounds.push_back(scheduler.rounds());
}

// Each list needs three turns: it finds the keys, and these and their holders become JSON.
Task<> list_for_many(SimulatedServer& world) {
    const std::string session = co_await open_as(guest(world.server(), "10.0.0.1"));
    for (std::size_t i = 0; i != LongWork::per_round; ++i) {
        Json parameters{{"session", session}, {"key", std::to_string(i)}};
        co_await ask_as(guest(world.server(), "10.0.0.1"), "try", std::move(parameters));
    }
    std::vector<std::uint64_t> rounds;
    std::vector<Ref<Routine>> listers;
    Container container(world.scheduler());
    const std::uint64_t before = world.scheduler().rounds();
    constexpr std::size_t count = 10;
    for (std::size_t i = 0; i != count; ++i) {
        listers.push_back(
            container.start(list_much(world.scheduler(), rounds), {.name = "lister"}));
    }
    while (rounds.size() != count) {
        co_await do_events();
    }
    CHECK(rounds.back() - before >= 3 * count - 1);
}

// Each may be a slip, and the nearest name takes time to find: a few are told.
Task<> send_unknown_parameters() {
    Json parameters = Json::object();
    for (int i = 0; i != 1000; ++i) {
        parameters["patern" + std::to_string(i)] = 1;
    }
    const Json answer = co_await ask("list", std::move(parameters));
    const std::string text = answer.get<std::string>();
    CHECK(text.starts_with("bad_parameter: unknown parameter 'patern0' (did you mean 'pattern'?)"));
    CHECK(std::ranges::count(text, ';') == 9);
}

}  // namespace

TEST_CASE("a call with many unknown parameters is refused with a few of them") {
    SimulatedServer world(app(), registry());
    world.run(send_unknown_parameters());
}

TEST_CASE("of listings that many clients ask for, one piece is made in a round") {
    SimulatedServer world(app(), registry());
    world.leave_behind();  // an open session
    world.run(list_for_many(world));
}
