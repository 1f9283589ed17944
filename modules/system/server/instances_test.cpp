// Several modules of one plugin, by configuration.
#include "modules/system/server/instances.h"

#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "core/wait/do_events.h"
#include "modules/system/call/json.h"
#include "modules/system/server/server_metrics.h"
#include "modules/testing/simulated_server.h"

namespace weir {

namespace {

using Texts = std::vector<std::string>;

struct DoorSettings {
    std::string sign = "open";

    static config::Settings<DoorSettings> describe() {
        return config::settings<DoorSettings>(
            "A door", config::setting("sign", &DoorSettings::sign, "What is on it"));
    }
};

class Door final : public ModuleOf<DoorSettings> {
public:
    using ModuleOf::ModuleOf;

    static auto declare() {
        return declare_module<Door>("door", "Opens")
            .gauge("knocks", "How often somebody knocked", &Door::knocks_)
            .function("knock", "Knocks", &Door::knock)
            .function("slam", "Fails", &Door::slam)
            .public_function("enter", "Enters", &Door::knock);
    }

    using ModuleOf::settings_changed;
    void settings_changed(const DoorSettings& before) override {
        log().warning("{} -> {}", before.sign, settings().sign);
    }

private:
    std::string knock() {
        return name() + ": " + settings().sign + ' ' + std::to_string(++knocks_);
    }
    void slam() { throw std::runtime_error("broken"); }

    int knocks_ = 0;
};

class Vault final : public Module {
public:
    using Module::Module;
    static auto declare() {
        return declare_module<Vault>("vault", "Keeps").single("there is only one lock to it");
    }
};

struct Coin : Event {
    static auto declare() { return declare_event<Coin>("weir.instances_test.Coin"); }
};

class Till final : public Module {
public:
    using Module::Module;
    static auto declare() { return declare_module<Till>("till", "Counts").queue<Coin>("coins", 5); }
};

Registry doors() {
    return Registry().add<Door>().add<Vault>().add<Till>();
}

Task<std::string> ask(std::string module, std::string function) {
    const ApiResult<Json> result = co_await call(std::move(module), std::move(function));
    co_return result ? result.value().dump() : to_text(result.error());
}

Task<> tell(Texts& told, std::string module, std::string function = "knock") {
    Task<std::string> asking = ask(std::move(module), std::move(function));
    told.push_back(co_await asking);
}

std::string problems_of(const std::string& text) {
    config::Problems problems;
    const CheckedApp app(SimulatedServer::read(text), doors(), problems);
    return problems.text();
}

constexpr const char* two_doors = R"({"server": {"startup": ["front", "back", "door"]},
    "module": {"front": {"plugin": "door", "sign": "welcome"},
               "back": {"plugin": "door", "sign": "staff"}}})";

Task<> knock_at_all(SimulatedServer& world, Texts& told) {
    co_await tell(told, "front");
    co_await tell(told, "front");
    co_await tell(told, "back");
    co_await tell(told, "door");
    co_await tell(told, "front", "slam");
    std::map<std::string, std::string> plugins;
    for (const ModuleInfo& info : world.loader().modules()) {
        plugins[info.name] = info.plugin;
    }
    CHECK(plugins == std::map<std::string, std::string>{
                         {"back", "door"}, {"door", "door"}, {"front", "door"}});
    CHECK(world.loader().modules_of_plugin("door") == Texts{"back", "door", "front"});
    std::map<std::string, double> knocks;
    std::size_t families = 0;
    for (const MetricFamily& family : collect_metrics(world.server())) {
        if (family.name == "weir_door_knocks") {
            ++families;
            for (const MetricSample& one : family.samples) {
                knocks[one.labels.empty() ? "" : one.labels.front().second] = one.value;
            }
        }
    }
    CHECK(families == 1);
    CHECK(knocks == std::map<std::string, double>{{"", 1}, {"back", 1}, {"front", 2}});
    co_await world.loader().unload("front");
    co_await tell(told, "front");
    co_await tell(told, "back");
    co_await world.loader().load("front");
    co_await tell(told, "front");
    Texts all = world.loader().modules_of_plugin("door");
    co_await world.loader().reload(std::move(all));
    co_await tell(told, "back");
}

}  // namespace

TEST_CASE("instances: several modules of a plugin have their own names, settings and state") {
    Texts told;
    SimulatedServer world(two_doors, doors());
    world.run(knock_at_all(world, told));
    CHECK(told == Texts{R"("front: welcome 1")", R"("front: welcome 2")", R"("back: staff 1")",
                        R"("door: open 1")", "failed: broken",
                        "unknown_module: the module 'front' is unloaded", R"("back: staff 2")",
                        R"("front: welcome 1")", R"("back: staff 1")"});
    CHECK(world.log() == "error: the function front.slam ended with an exception: broken\n");
}

TEST_CASE("instances: a module may have the name by which public functions are called") {
    Texts told;
    SimulatedServer world(R"({"server": {"startup": ["public", "door"]},
        "module": {"public": {"plugin": "door"}}})",
                          doors());
    const auto knock = [](Texts& all) -> Task<> {
        co_await tell(all, "public");
        co_await tell(all, "door");
        co_await tell(all, "public", "nothing");
    };
    world.run(knock(told));
    CHECK(told == Texts{R"("public: open 1")", R"("door: open 1")",
                        "unknown_function: no module has a public function 'nothing' that takes "
                        "this call"});
}

TEST_CASE("instances: a changed setting reaches its module alone, and a new module is made") {
    Texts told;
    SimulatedServer world(two_doors, doors());
    const auto change = [](SimulatedServer& simulated, Texts& all) -> Task<> {
        co_await tell(all, "front");
        simulated.server().reconfigure(SimulatedServer::read(
            R"({"server": {"startup": ["front", "back", "side"]},
                "module": {"front": {"plugin": "door", "sign": "closed"},
                           "back": {"plugin": "door", "sign": "staff"},
                           "side": {"plugin": "door", "sign": "goods"}}})"));
        co_await tell(all, "front");
        while (simulated.loader().state("side") != ModuleState::succeeded) {
            co_await do_events();
        }
        co_await tell(all, "side");
    };
    world.run(change(world, told));
    CHECK(told == Texts{R"("front: welcome 1")", R"("front: closed 2")", R"("side: goods 1")"});
    CHECK(world.log() == "warning: welcome -> closed\n");
}

TEST_CASE("instances: what cannot be is a mistake of the configuration, with its place") {
    CHECK(problems_of(R"({"server": {"startup": ["a"]},
    "module": {"a": {"plugin": "doro"},
               "b": {"plugin": "windw"}}})") ==
          "app.json:2:32: module.a.plugin: unknown plugin 'doro' (did you mean 'door'?)\n"
          "app.json:3:32: module.b.plugin: unknown plugin 'windw'\n");
    CHECK(problems_of(R"({"module": {"default": {"plugin": "door"}}})") ==
          "app.json:1:35: module.default.plugin: is for one module, not for all\n");
    CHECK(problems_of(R"({"module": {"a b": {"plugin": "door"}}})") ==
          "app.json:1:13: module[\"a b\"]: the name of a module has letters, digits, '_' and '-' "
          "only\n");
    CHECK(problems_of(R"({"module": {"a": {"plugin": "door", "sgin": "x"}}})") ==
          "app.json:1:37: module.a.sgin: unknown setting 'sgin' (did you mean 'sign'?)\n");
    CHECK(problems_of(R"({"server": {"startup": ["cellar", "vault"]},
    "module": {"cellar": {"plugin": "vault"}}})") ==
          "app.json:2:37: module.cellar.plugin: a server can have only one module of the plugin "
          "'vault', and has 'vault': there is only one lock to it\n");
    CHECK(problems_of(R"({"server": {"startup": ["east", "west"]},
    "module": {"east": {"plugin": "till"}, "west": {"plugin": "till"}}})") ==
          "app.json:2:63: module.west.plugin: a server can have only one module of the plugin "
          "'till', and has 'east': it has the queue 'coins', which takes all events of type "
          "weir.instances_test.Coin\n");
}

TEST_CASE("instances: a second module of a plugin that a server can have once is not loaded") {
    std::string why;
    SimulatedServer world(R"({"server": {"startup": ["cellar"]},
        "module": {"cellar": {"plugin": "vault"}}})",
                          doors());
    const auto load = [](SimulatedServer& simulated, std::string& what) -> Task<> {
        while (simulated.loader().state("cellar") != ModuleState::succeeded) {
            co_await do_events();
        }
        try {
            co_await simulated.loader().load("vault");
        } catch (const LoadException& error) {
            what = error.what();
        }
    };
    world.run(load(world, why));
    CHECK(why ==
          "the module 'vault' failed: a server can have only one module of the plugin 'vault', and "
          "has 'cellar': there is only one lock to it");
}

}  // namespace weir
