#include "modules/system/server/loader.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "core/wait/timeout.h"
#include "modules/system/call/json.h"
#include "modules/testing/simulated_server.h"

namespace weir {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// What modules of these tests did, by name.
struct Story {
    static inline std::vector<std::string> told;
    static inline std::vector<std::string> failing;
    static inline std::vector<std::string> in_use;
    static inline bool in_use_fails = false;
};

// A module that is nothing but its dependencies.
class Part : public Module {
public:
    using Module::Module;

    Task<> load() override {
        Story::told.push_back("+" + name());
        co_await sleep(seconds(1));
        if (std::find(Story::failing.begin(), Story::failing.end(), name()) !=
            Story::failing.end()) {
            throw std::runtime_error("no more paper");
        }
        start(stay(), {.name = name() + ".stay", .daemon = true});
    }
    Task<> unload() override {
        Story::told.push_back("-" + name());
        co_await sleep(seconds(1));
        if (name() == "slow") {
            co_await sleep(seconds(60));
        }
    }
    std::vector<std::string> in_use() const override {
        if (Story::in_use_fails) {
            throw std::runtime_error("no more ink");
        }
        return name() == "a" ? Story::in_use : std::vector<std::string>();
    }

private:
    Task<> stay() {
        for (;;) co_await sleep(seconds(3600));
    }
};

struct Grain : Event {
    static auto declare() { return declare_event<Grain>("test.Grain"); }
};

// A module with a queue.
class Mill : public Module {
public:
    using Module::Module;

    static auto declare() {
        return declare_module<Mill>("mill", "Mills").queue<Grain>("grain", 450, {.max_default = 3});
    }

    Task<> load() override {
        const Queue* queue = scheduler().queue().find("grain");
        Story::told.push_back(std::string(queue->default_queue().kind()) + " of " +
                              std::to_string(queue->default_queue().max_size()) + ", priority " +
                              std::to_string(queue->priority()) + ", of " +
                              server().loader().module_of(*queue));
        co_return;
    }
};

Task<> load_and_unload(SimulatedServer& world) {
    Task<> loading = world.loader().load("mill");
    co_await loading;
    Task<> unloading = world.loader().unload("mill");
    co_await unloading;
    const bool gone = world.scheduler().queue().find("grain") == nullptr;
    Story::told.push_back(gone ? "gone" : "still there");
}

ModuleClass part(std::string name, std::vector<Dependency> dependencies, bool service = false) {
    ModuleClass result;
    result.name = std::move(name);
    result.dependencies = std::move(dependencies);
    result.service = service;
    result.make = [](const ModuleContext& context) { return std::make_unique<Part>(context); };
    return result;
}

// d depends on b and c, and these on a; e on nothing; f and g on each other; s is a service of u.
const std::vector<ModuleClass>& parts() {
    static const std::vector<ModuleClass> all{
        part("a", {}),
        part("b", {{"a", ""}}),
        part("c", {{"a", ""}}),
        part("d", {{"b", ""}, {"c", ""}}),
        part("e", {}),
        part("f", {{"g", ""}}),
        part("g", {{"h", ""}}),
        part("h", {{"f", ""}}),
        part("lost", {{"nowhere", ""}}),
        part("s", {}, true),
        part("u", {{"s", ""}}),
        part("slow", {}),
        part("chooser", {{"storage", "e"}}),
    };
    return all;
}

Registry registry() {
    Registry result;
    for (const ModuleClass& type : parts()) result.add(type);
    return result;
}

// A server that does one thing after the other, and what came of it.
class Stage {
public:
    explicit Stage(std::string configuration = "{}")
        : world_(std::move(configuration), registry()) {
        Story::told.clear();
        Story::failing.clear();
        Story::in_use.clear();
    }

    Loader& loader() { return world_.loader(); }
    SimulatedServer& world() { return world_; }

    void run(Task<> task) { world_.run(std::move(task)); }

private:
    SimulatedServer world_;
};

using Texts = std::vector<std::string>;

Task<> tell(Task<> task, std::string& what) {
    what.clear();
    try {
        co_await task;
    } catch (const LoadException& exception) {
        what = exception.what();
    }
}

std::string states(const Loader& loader) {
    std::string text;
    for (const ModuleInfo& module : loader.modules()) {
        text += module.name + ": " + std::string(to_string(module.state)) + "\n";
    }
    return text;
}

Task<> load_and_unload(Loader& loader, Time& loaded) {
    std::string what;
    Task<> loading = tell(loader.load("d"), what);
    co_await loading;
    CHECK(what == "");
    CHECK(Story::told == Texts{"+a", "+b", "+c", "+d"});
    loaded = loader.scheduler().now();
    Story::told.clear();
    Task<> unloading = tell(loader.unload("a"), what);
    co_await unloading;
    CHECK(what == "");
    CHECK(Story::told == Texts{"-d", "-b", "-c", "-a"});
    CHECK(states(loader) == "a: unloaded\nb: unloaded\nc: unloaded\nd: unloaded\n");
}

}  // namespace

TEST_CASE("loader: dependencies load before, side by side, and unload after") {
    Stage stage;
    Time loaded;
    stage.run(load_and_unload(stage.loader(), loaded));
    CHECK(loaded == Time(seconds(3)));
    CHECK(stage.world().log() == "");
}

namespace {

Task<> fail_in_the_middle(Loader& loader, std::string& what) {
    Story::failing = {"a"};
    Texts names{"d", "e"};
    Task<> loading = tell(loader.load_all(names), what);
    co_await loading;
    CHECK(states(loader) == "a: failed\nb: failed\nc: failed\nd: failed\ne: succeeded\n");
    Story::failing.clear();
    std::string again;
    Task<> once_more = tell(loader.load("d"), again);
    co_await once_more;
    CHECK(again == "");
    CHECK(loader.state("d") == ModuleState::succeeded);
}

}  // namespace

TEST_CASE("loader: a failure fails those that depend on it, with the chain, and nothing else") {
    Stage stage;
    std::string what;
    stage.run(fail_in_the_middle(stage.loader(), what));
    CHECK(what ==
          "the module 'd' failed: it depends on 'b', which failed: it depends on 'a', which "
          "failed: no more paper; it depends on 'c', which failed: it depends on 'a', which "
          "failed: no more paper");
}

namespace {

Task<> load_one(Loader& loader, std::string name, std::string& what) {
    Task<> loading = tell(loader.load(std::move(name)), what);
    co_await loading;
}

}  // namespace

TEST_CASE("loader: a cycle is reported with its chain") {
    Stage stage;
    std::string what;
    stage.run(load_one(stage.loader(), "f", what));
    CHECK(what ==
          "the module 'f' failed: it depends on 'g', which failed: it depends on 'h', which "
          "failed: dependency cycle h -> f -> g -> h");
}

TEST_CASE("loader: an unknown module is reported with the nearest name") {
    Stage stage;
    std::string what;
    stage.run(load_one(stage.loader(), "slwo", what));
    CHECK(what == "the module 'slwo' failed: unknown module 'slwo' (did you mean 'slow'?)");
}

TEST_CASE("server: mistakes that can be known before are reported at once, nothing starts") {
    config::Problems problems;
    const auto configuration = SimulatedServer::read(R"({
  "server": {
    "startup": ["lost", "f", "nobody"],
    "calls_per_modul": 3,
    "queues": [{"event": "weir.TimerEvnt"}, {"event": "weir.TimerEvent", "index": {"tmer": 1}}]
  },
  "module": {"e": {"x": 1}, "f": {"servic": true}}
})");
    const CheckedApp checked(configuration, registry(), problems);
    CHECK(problems.text() ==
          "app.json:3:17: server.startup[0]: 'lost' depends on 'nowhere': unknown module "
          "'nowhere'\n"
          "app.json:3:25: server.startup[1]: dependency cycle f -> g -> h -> f\n"
          "app.json:3:30: server.startup[2]: unknown module 'nobody'\n"
          "app.json:4:5: server.calls_per_modul: unknown setting 'calls_per_modul' (did you mean "
          "'calls_per_module'?)\n"
          "app.json:5:26: server.queues[0].event: unknown event type 'weir.TimerEvnt' (did you "
          "mean 'weir.TimerEvent'?)\n"
          "app.json:5:83: server.queues[1].index: unknown index 'tmer' (did you mean 'timer'?)\n"
          "app.json:7:20: module.e.x: unknown setting 'x'\n"
          "app.json:7:35: module.f.servic: unknown setting 'servic' (did you mean 'service'?)\n");
    Simulation simulation;
    CHECK_THROWS_AS(Server(simulation, configuration, {.registry = registry()}),
                    std::invalid_argument);
}

TEST_CASE("server: a module with settings that the app does not start is a warning") {
    config::Problems problems;
    const auto configuration = SimulatedServer::read(R"({
  "server": {"startup": ["u", "chooser"]},
  "module": {
    "default": {"log_level": "info"},
    "a": {"log_level": "info"},
    "e": {"log_level": "info"},
    "s": {"log_level": "info"}
  }
})");
    const CheckedApp checked(configuration, registry(), problems);
    CHECK(problems.text() == "");
    CHECK(checked.warnings().text() ==
          "app.json:5:5: module.a: the module 'a' is not started: server.startup does not list it, "
          "and no module that starts needs it; its settings have no effect until it is loaded\n");
}

namespace {

Task<> use_proxy(Loader& loader, std::string& through) {
    std::string what;
    Task<> loading = tell(loader.load("chooser"), what);
    co_await loading;
    CHECK(what == "");
    const ApiResult<Json> result = co_await call("storage", "discover");
    through = result ? "answered" : to_text(result.error());
}

}  // namespace

TEST_CASE("loader: the configuration chooses the module for an interface, which has a default") {
    std::string through;
    {
        Stage stage;
        stage.run(use_proxy(stage.loader(), through));
        CHECK(Story::told == Texts{"+e", "+chooser", "-chooser", "-e"});
        CHECK(through == "unknown_function: the module 'e' has no function 'discover'");
    }
    Stage stage(R"({"server": {"proxies": {"storage": "a"}}})");
    stage.run(use_proxy(stage.loader(), through));
    CHECK(Story::told == Texts{"+a", "+chooser", "-chooser", "-a"});
    CHECK(through == "unknown_function: the module 'a' has no function 'discover'");
}

namespace {

Task<> lose_last_user(Loader& loader) {
    std::string what;
    Task<> loading = tell(loader.load("u"), what);
    co_await loading;
    Task<> unloading = tell(loader.unload("u"), what);
    co_await unloading;
    co_await sleep(seconds(2));
    CHECK(loader.state("s") == ModuleState::unloaded);
    Task<> by_name = tell(loader.load("s"), what);
    co_await by_name;
    Task<> again = tell(loader.load("u"), what);
    co_await again;
    Task<> unloading_again = tell(loader.unload("u"), what);
    co_await unloading_again;
    co_await sleep(seconds(2));
    CHECK(loader.state("s") == ModuleState::succeeded);
}

}  // namespace

TEST_CASE("loader: a service unloads with its last user, unless it was loaded by name") {
    Stage stage;
    stage.run(lose_last_user(stage.loader()));
}

namespace {

Task<> refuse_unloading(Loader& loader, std::string& in_use, std::string& too_slow) {
    std::string what;
    Texts names{"b", "slow"};
    Task<> loading = tell(loader.load_all(names), what);
    co_await loading;
    Story::in_use = {"lock 'x' held by 'bob'"};
    Task<> unloading = tell(loader.unload("a"), in_use);
    co_await unloading;
    CHECK(loader.state("a") == ModuleState::succeeded);
    CHECK(loader.state("b") == ModuleState::succeeded);
    Task<> slowly = tell(loader.unload("slow"), too_slow);
    co_await slowly;
    CHECK(loader.state("slow") == ModuleState::succeeded);
    Task<> forced = tell(loader.unload("a", true), what);
    co_await forced;
    CHECK(what == "");
    Task<> forced_too = tell(loader.unload("slow", true), what);
    co_await forced_too;
    CHECK(what == "");
    CHECK(states(loader) == "a: unloaded\nb: unloaded\nslow: unloaded\n");
}

}  // namespace

TEST_CASE("loader: unloading is refused if a module cannot say whether it is in use") {
    Stage stage;
    std::string refused;
    Story::in_use_fails = true;
    stage.run([](Loader& loader, std::string& what) -> Task<> {
        co_await loader.load("a");
        co_await tell(loader.unload("a"), what);
        CHECK(loader.state("a") == ModuleState::succeeded);
        Story::in_use_fails = false;
        co_await loader.unload("a");
    }(stage.loader(), refused));
    CHECK(refused ==
          "the module 'a' is not unloaded, there still is: in_use() of 'a', which failed: no more "
          "ink");
}

TEST_CASE("loader: unloading is refused with the list of what lives, unless it is forced") {
    Stage stage;
    std::string in_use;
    std::string too_slow;
    stage.run(refuse_unloading(stage.loader(), in_use, too_slow));
    CHECK(in_use == "the module 'a' is not unloaded, there still is: lock 'x' held by 'bob'");
    const std::string begin =
        "the module 'slow' is not unloaded, there still is: unload(), which did not end within "
        "5s; 'slow.stay' started at ";
    CHECK(too_slow.substr(0, begin.size()) == begin);
    CHECK(too_slow.find("loader_test.cpp:") != std::string::npos);
}

namespace {

Task<> collect(std::string& text) {
    const MatcherOf<ModuleStateEvent> changes = match<ModuleStateEvent>().make();
    for (;;) {
        const Ref<ModuleStateEvent> event = co_await changes;
        text += std::string(event->module.get()) + " " + std::string(to_string(event->state)) +
                ": " + event->reason + "\n";
    }
}

Task<> load_and_collect(Loader& loader, std::string& text) {
    Container container(loader.scheduler());
    container.start(collect(text), {.foreground = true});
    std::string what;
    Task<> loading = tell(loader.load("b"), what);
    co_await loading;
    Task<> unloading = tell(loader.unload("a"), what);
    co_await unloading;
    co_await sleep(milliseconds(1));
}

}  // namespace

TEST_CASE("loader: a declared queue exists when load() begins, and is removed with the module") {
    Story::told.clear();
    SimulatedServer world("{}", Registry().add<Mill>());
    world.run(load_and_unload(world));
    CHECK(Story::told == std::vector<std::string>{"fifo of 3, priority 450, of mill", "gone"});
    CHECK(world.log() == "");
}

TEST_CASE("loader: each change of a state is an event with its reason") {
    Stage stage;
    std::string text;
    stage.run(load_and_collect(stage.loader(), text));
    CHECK(text ==
          "b loading: asked for\n"
          "a loading: 'b' depends on it\n"
          "a loaded: 'b' depends on it\n"
          "a succeeded: 'b' depends on it\n"
          "b loaded: asked for\n"
          "b succeeded: asked for\n"
          "a unloading: asked for\n"
          "b unloading: it depends on 'a'\n"
          "b unloaded: it depends on 'a'\n"
          "a unloaded: asked for\n");
}

}  // namespace weir
