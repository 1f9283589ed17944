#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "core/run/container.h"
#include "core/wait/do_events.h"
#include "core/wait/timeout.h"
#include "modules/manager/settings_access.h"
#include "modules/system/call/caller.h"
#include "modules/system/call/json.h"
#include "modules/system/event/event_exchange.h"
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

// Records one event, which a client of that role sees, and returns the texts of the recording.
Task<std::vector<std::string>> texts_for(Server& server, const char* role, bool contents) {
    Ref<Caller> client(new Caller(server.access().rules(), "", {role}));
    Json parameters{{"time", "5s"}, {"contents", contents}};
    const ApiResult<Json> begun =
        co_await call_for(client, ApiName("manager", "start_trace"), std::move(parameters));
    REQUIRE(begun);
    co_await server.events().publish("house.Bell", R"({"room": "hall"})");
    Json which{{"trace", begun.value().at("trace")}};
    const ApiResult<Json> taken =
        co_await call_for(client, ApiName("manager", "take_trace"), std::move(which));
    REQUIRE(taken);
    co_return taken.value().at("texts").get<std::vector<std::string>>();
}

Task<> record_contents(SimulatedServer& world) {
    for (const auto& [role, contents, seen] :
         {std::tuple("watcher", true, true), std::tuple("watcher", false, false),
          std::tuple("tracer", true, false)}) {
        CAPTURE(role, contents);
        const std::vector<std::string> texts = co_await texts_for(world.server(), role, contents);
        CHECK(std::ranges::count(texts, "house.Bell") == 1);
        CHECK(std::ranges::count(texts, R"({"room":"hall"})") == (seen ? 1 : 0));
    }
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
    CHECK(turns - before - for_few >= for_few + 6);
}

Json settings_request(const char* module, Json settings) {
    return {{"module", module}, {"settings", std::move(settings)}};
}

struct BulbSettings {
    int watts = 40;
    int socket = 27;

    static config::Settings<BulbSettings> describe() {
        using config::setting;
        return config::settings<BulbSettings>(
            "A bulb", setting("watts", &BulbSettings::watts, "How bright"),
            setting("socket", &BulbSettings::socket, "What it fits into").fixed());
    }
};

struct LampSettings {
    BulbSettings bulb;

    static config::Settings<LampSettings> describe() {
        return config::settings<LampSettings>(
            "A lamp", config::setting("bulb", &LampSettings::bulb, "What shines"));
    }
};

class Lamp final : public ModuleOf<LampSettings> {
public:
    using ModuleOf::ModuleOf;
    static auto declare() {
        return declare_module<Lamp>("lamp", "Shines").function("light", "Light", &Lamp::light);
    }
    std::vector<int> light() const { return {settings().bulb.watts, settings().bulb.socket}; }
};

Task<> change_bulb(SimulatedServer&) {
    co_await sleep(1s);
    Json settings{{"bulb", {{"watts", 60}, {"socket", 14}}}};
    const Json changed =
        co_await ask("change_settings", settings_request("lamp", std::move(settings)));
    CHECK(changed.at("changed") == Json{"bulb.watts"});
    CHECK(changed.at("after_reload") == Json{"bulb.socket"});
    const ApiResult<Json> light = co_await call("lamp", "light", Json::object());
    REQUIRE(light);
    CHECK(light.value() == Json{60, 27});
}

Task<> change(SimulatedServer& world) {
    const auto value = [&world](const char* name) {
        for (const ManagedSetting& setting : settings_of(world.server(), "manager")) {
            if (setting.name == name) {
                return config::to_json(setting.value);
            }
        }
        return std::string("there is no such setting");
    };
    Json manager{{"module", "manager"}};
    Task<Json> listing = ask("settings", std::move(manager));  // waits until the module runs
    const Json listed = co_await listing;
    CHECK(listed.at(0).at("name") == "auto_reload");
    CHECK(value("check_interval") == R"("5s")");
    Task<Json> changing =
        ask("change_settings",
            settings_request("manager", {{"check_interval", "20ms"}, {"auto_reload", true}}));
    const Json changed = co_await changing;
    CHECK(changed.at("changed") == Json{"auto_reload", "check_interval"});
    CHECK(changed.at("after_reload") == Json::array());
    CHECK(value("check_interval") == R"("20ms")");
    CHECK(value("auto_reload") == "true");

    // A later change keeps earlier ones.
    Task<Json> again =
        ask("change_settings", settings_request("manager", {{"auto_reload", false}}));
    co_await again;
    CHECK(value("check_interval") == R"("20ms")");
    CHECK(value("auto_reload") == "false");

    // All or nothing.
    Task<Json> mistaken =
        ask("change_settings",
            settings_request("manager", {{"auto_reload", true}, {"check_interval", "1ms"}}));
    const Json refused = co_await mistaken;
    CHECK(refused.get<std::string>().starts_with(
        "bad_parameter: manager.change_settings: module.manager.check_interval: "));
    CHECK(value("auto_reload") == "false");

    Task<Json> misspelt =
        ask("change_settings", settings_request("manager", {{"auto_relaod", true}}));
    const Json unknown = co_await misspelt;
    CHECK(unknown == "bad_parameter: unknown setting 'auto_relaod' (did you mean 'auto_reload'?)");
    Json hidden{{"auto_reload", {{"password", "(secret)"}}}};
    Task<Json> replacing = ask("change_settings", settings_request("manager", std::move(hidden)));
    const Json kept = co_await replacing;
    CHECK(kept.get<std::string>().starts_with("bad_parameter: auto_reload: (secret) stands for"));
    Task<Json> elsewhere = ask("change_settings", settings_request("tea", {{"a", 1}}));
    const Json nobody = co_await elsewhere;
    CHECK(nobody == "unknown_module: the module 'tea' does not run");
}

Task<> sleep_long() {
    co_await sleep(1h);
}

Task<> list_routines(SimulatedServer& world) {
    Container sleepers(world.scheduler());
    for (int i = 0; i != 30; ++i) {
        sleepers.start(sleep_long(), {.name = "sleeper " + std::to_string(i)});
    }
    co_await sleep(1s);
    Json parameters{{"contains", "sleeper"}, {"limit", 10}};
    Task<Json> asking = ask("routines", std::move(parameters));
    const Json listing = co_await asking;
    CHECK(listing.at("matching") == 30);
    CHECK(listing.at("routines") > 30);
    CHECK(listing.at("list").size() == 10);
    REQUIRE(listing.at("groups").size() == 1);
    const Json& group = listing.at("groups").at(0);
    CHECK(group.at("count") == 30);
    CHECK(group.at("name") == "sleeper 0");
    CHECK(group.at("waits_for") == "the end of 3600 s");
    CHECK(group.at("started_at").get<std::string>().find("manager_test.cpp:") != std::string::npos);
    CHECK(group.at("seconds") == 1.0);
}

Task<> list_and_note(Scheduler& scheduler, std::vector<std::uint64_t>& rounds) {
    Task<Json> asking = ask("routines");
    const Json listing = co_await asking;
    CHECK(listing.at("matching") > 0);
    rounds.push_back(scheduler.rounds());
}

Task<> list_for_many(SimulatedServer& world) {
    std::vector<std::uint64_t> rounds;
    Container listers(world.scheduler());
    for (int i = 0; i != 10; ++i) {
        listers.start(list_and_note(world.scheduler(), rounds), {.name = "lister"});
    }
    while (rounds.size() != 10) {
        co_await do_events();
    }
    CHECK(std::set(rounds.begin(), rounds.end()).size() == 10);
}

}  // namespace

TEST_CASE("manager: of listings that many clients ask for, one is made in a round") {
    SimulatedServer world = server();
    world.run(list_for_many(world));
    CHECK(world.log() == "");
}

TEST_CASE("manager: settings are changed with the checks of a file, all or none") {
    SimulatedServer world = server();
    world.run(change(world));
    CHECK(world.log() == "");
}

TEST_CASE("manager: settings in structs are changed, and those that are fixed wait for a reload") {
    SimulatedServer world(R"({"server": {"startup": ["manager", "lamp"]}})",
                          Registry().add<Lamp>());
    world.run(change_bulb(world));
    CHECK(world.log() ==
          "warning: module.lamp.bulb.socket: 27 -> 14, takes effect when the module is reloaded\n");
}

TEST_CASE("manager: routines are counted by where they were started, and a few are listed") {
    SimulatedServer world = server();
    world.run(list_routines(world));
    CHECK(world.log() == "");
}

TEST_CASE("manager: a recording ends after its time, is taken, and is gone") {
    SimulatedServer world = server();
    world.run(record(world));
    CHECK(world.log() == "");
}

TEST_CASE("manager: a recording has what events say, for clients who may watch them") {
    SimulatedServer world(R"({"server": {"startup": ["manager"],
        "roles": {"tracer": {"may": ["manager.*"]},
                  "watcher": {"may": ["manager.*", "server.watch_events"]}},
        "events": {"house.Bell": {"indices": [{"name": "room"}]}}}})");
    world.run([](SimulatedServer& simulated) -> Task<> {
        while (simulated.loader().state("manager") != ModuleState::succeeded) {
            co_await do_events();
        }
        co_await record_contents(simulated);
    }(world));
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
