#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "core/run/container.h"
#include "core/wait/do_events.h"
#include "core/wait/timeout.h"
#include "modules/system/call/caller.h"
#include "modules/system/call/json.h"
#include "modules/testing/simulated_server.h"

namespace weir {

namespace {

using namespace std::chrono_literals;

SimulatedServer server() {
    return SimulatedServer(R"({"server": {"startup": ["manager"]}})");
}

Task<Json> ask(std::string function, Json parameters = Json::object()) {
    const ApiResult<Json> result = co_await call("manager", function, std::move(parameters));
    co_return result ? result.value() : Json(to_text(result.error()));
}

Task<Json> start_trace(std::string time) {
    Json parameters{{"time", time}};
    Task<Json> starting = ask("start_trace", std::move(parameters));
    const Json status = co_await starting;
    co_return status;
}

// What a function answers about a trace.
Task<Json> ask_about(std::string function, Json status) {
    Json parameters{{"trace", status.at("trace")}};
    Task<Json> asking = ask(function, std::move(parameters));
    const Json answer = co_await asking;
    co_return answer;
}

Task<> record(SimulatedServer& world) {
    Task<Json> starting = start_trace("5s");
    const Json started = co_await starting;
    CHECK(started.at("running") == true);
    CHECK(started.at("left") == "5s");
    CHECK(world.scheduler().tracer() != nullptr);

    Task<Json> second = start_trace("1s");
    const Json refused = co_await second;
    CHECK(refused == "in_use: another client records; try again in 15s");

    co_await sleep(4s);
    Task<Json> looking = ask_about("trace", started);
    const Json running = co_await looking;
    CHECK(running.at("left") == "1s");
    CHECK(running.at("records") > 10);
    co_await sleep(2s);
    CHECK(world.scheduler().tracer() == nullptr);

    Task<Json> taking = ask_about("take_trace", started);
    const Json taken = co_await taking;
    CHECK(taken.at("length") == 5'000'000'000);
    CHECK(taken.at("left") == 0);
    CHECK(taken.at("dropped") == 0);
    CHECK(taken.at("records").size() % 7 == 0);
    CHECK(taken.at("records").size() / 7 > running.at("records"));
    const std::vector<std::string> list = taken.at("texts");
    const std::set<std::string> texts(list.begin(), list.end());
    for (const char* text : {"", "manager.start_trace", "manager.trace", "root/moduleapi",
                             "weir.ModuleApiCall", "weir.TimerEvent"}) {
        CAPTURE(text);
        CHECK(texts.contains(text));
    }

    Task<Json> again = ask_about("take_trace", started);
    const Json gone = co_await again;
    CHECK(gone.get<std::string>().starts_with("unknown_trace: there is no trace '"));
}

Task<> forget(SimulatedServer& world) {
    Task<Json> starting = start_trace("1h");
    const Json started = co_await starting;
    co_await sleep(9s);
    Task<Json> looking = ask_about("trace", started);
    co_await looking;
    co_await sleep(9s);
    CHECK(world.scheduler().tracer() != nullptr);
    co_await sleep(2s);
    CHECK(world.scheduler().tracer() == nullptr);
    Task<Json> anew = start_trace("1s");
    const Json status = co_await anew;
    CHECK(status.is_object());
}

Task<> unload_meanwhile(SimulatedServer& world) {
    Task<Json> starting = start_trace("1h");
    const Json started = co_await starting;
    std::vector<std::string> names{"manager"};
    Task<> reloading = world.loader().reload(std::move(names));
    co_await reloading;
    CHECK(world.scheduler().tracer() == nullptr);
    Task<Json> looking = ask_about("trace", started);
    const Json gone = co_await looking;
    CHECK(gone.get<std::string>().starts_with("unknown_trace: "));
    Task<Json> anew = start_trace("1h");
    co_await anew;
    Task<> unloading = world.loader().unload("manager");
    co_await unloading;
    CHECK(world.scheduler().tracer() == nullptr);
}

Task<> inspect_parts(SimulatedServer&) {
    Json nothing{{"queues", false}, {"routines", false}, {"locks", false}};
    Task<Json> asking = ask("inspect", std::move(nothing));
    const Json short_one = co_await asking;
    for (const char* part : {"queue", "blocked_events", "routines", "handlers", "locks"}) {
        CHECK(!short_one.contains(part));
    }
    CHECK(short_one.at("counts").at("routines") > 0);
    CHECK(short_one.at("memory").at("resident") > 1'000'000);
    const Json& manager = short_one.at("modules").at(0);
    CHECK(manager.at("calls") == 1);
    CHECK(manager.at("library") > 10'000);
    CHECK(manager.at("memory") > 200);

    Task<Json> asking_for_all = ask("inspect");
    const Json all = co_await asking_for_all;
    std::size_t memory = 0;
    for (const Json& routine : all.at("routines")) {
        memory += routine.at("module") == "manager" ? routine.at("memory").get<std::size_t>() : 0;
    }
    CHECK(all.at("modules").at(0).at("memory") == memory);
    CHECK(all.at("locks").is_null());
}

Task<> wait_for_ever() {
    co_await sleep(24h);
}

Task<> count_turns(int& turns) {
    for (;;) {
        ++turns;
        co_await do_events();
    }
}

// What a client with the role is answered.
Task<Json> inspect_as(SimulatedServer& world, std::string role, std::uint32_t most) {
    Ref<Caller> client(new Caller(world.server().access().rules(), "", {std::move(role)}));
    Json parameters{{"most", most}};
    const ApiResult<Json> result =
        co_await call_for(std::move(client), ApiName("manager", "inspect"), std::move(parameters));
    co_return result ? result.value() : Json(to_text(result.error()));
}

Task<> inspect_a_crowd(SimulatedServer& world) {
    Container crowd(world.scheduler());
    for (int i = 0; i != 2000; ++i) {
        crowd.start(wait_for_ever(), {.name = "idler", .daemon = true});
    }
    co_await sleep(1s);
    const Json seen = co_await inspect_as(world, "guest", 1000);
    CHECK(seen.at("routines").size() == 1000);
    CHECK(seen.at("timers").size() == 1000);
    CHECK(seen.at("counts").at("routines") > 2000);
    CHECK(seen.at("counts").at("timers") >= 2000);
    const Json refused = co_await inspect_as(world, "guest", 1001);
    CHECK_THAT(refused.get<std::string>(),
               Catch::StartsWith("denied: ") && Catch::Contains("manager.inspect_all"));
    const Json all = co_await inspect_as(world, "admin", 1'000'000);
    CHECK(all.at("routines").size() == all.at("counts").at("routines"));
    CHECK(all.at("routines").back().at("name") != "");
}

// Counts the turns that another routine gets while the list is made.
Task<> inspect_beside_others(SimulatedServer& world) {
    int turns = 0;
    Container crowd(world.scheduler());
    for (int i = 0; i != 1000; ++i) {
        crowd.start(wait_for_ever(), {.name = "idler", .daemon = true});
    }
    co_await sleep(1s);
    crowd.start(count_turns(turns), {.name = "other", .daemon = true});
    co_await do_events();
    const int before = turns;
    co_await inspect_as(world, "guest", 100);
    const int for_few = turns - before;
    co_await inspect_as(world, "guest", 1000);
    CHECK(turns - before - for_few >= for_few + 8);
}

}  // namespace

TEST_CASE("manager: a recording ends after its time, is taken, and is gone") {
    SimulatedServer world = server();
    world.run(record(world));
    CHECK(world.log() == "");
}

TEST_CASE("manager: a recording about which no client asks is dropped") {
    SimulatedServer world = server();
    world.run(forget(world));
    CHECK(world.log() == "");
}

TEST_CASE("manager: a recording ends when the module is reloaded or unloaded") {
    SimulatedServer world = server();
    world.run(unload_meanwhile(world));
    CHECK(world.log() == "");
}

TEST_CASE(
    "manager: lists have 1000 items at most, or as many as a client with the right asks for") {
    SimulatedServer world = server();
    world.run(inspect_a_crowd(world));
    CHECK(world.log() == "");
}

TEST_CASE("manager: while a long inspection is made, other routines run") {
    SimulatedServer world = server();
    world.run(inspect_beside_others(world));
    CHECK(world.log() == "");
}

TEST_CASE("manager: an inspection has the lists that are asked for, and counts") {
    SimulatedServer world = server();
    world.run(inspect_parts(world));
    CHECK(world.log() == "");
}

}  // namespace weir
