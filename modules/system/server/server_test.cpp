#include "modules/system/server/server.h"

#include <catch2/catch.hpp>

#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "modules/system/call/json.h"
#include "modules/system/module/notification.h"
#include "modules/testing/simulated_server.h"

using namespace weir;
using namespace std::chrono_literals;

namespace {

using Texts = std::vector<std::string>;

struct Parcel : Event {
    Index<std::string> to;
    int number = 0;

    static auto declare() {
        return declare_event<Parcel>("weir.server_test.Parcel").index("to", &Parcel::to).blocking();
    }
};

struct PostSettings {
    std::int64_t stamps = 1;
    std::int64_t counters = 1;

    static config::Settings<PostSettings> describe() {
        using config::setting;
        return config::settings<PostSettings>(
            "A post office", setting("stamps", &PostSettings::stamps, "On each parcel").at_least(1),
            setting("counters", &PostSettings::counters, "Open").fixed());
    }
};

class Post : public ModuleOf<PostSettings> {
public:
    using ModuleOf::ModuleOf;

    static auto declare() {
        return declare_module<Post>("post", "Sends parcels")
            .event<Parcel>()
            .function("stamps", "How many are on a parcel", &Post::stamps);
    }
    Task<> load() override { co_await sleep(5s); }
    using ModuleOf::settings_changed;
    void settings_changed(const PostSettings& before) override {
        changes.push_back(std::to_string(before.stamps) + " -> " +
                          std::to_string(settings().stamps));
    }
    std::int64_t stamps() const { return settings().stamps; }

    static inline Texts changes;
};

class Bell : public Module {
public:
    using Module::Module;

    static auto declare() { return declare_module<Bell>("bell", "Rings"); }
    void begin() override { start(ring(), {.name = "bell.ring"}); }

private:
    Task<> ring() {
        for (const char* what : {"silence", "rings"}) {
            Ref<Event> event = make_event<ModuleNotification>("bell", what, Json{{"times", 3}});
            co_await send(std::move(event));
        }
    }
};

// Two modules with a daemon routine that never ends; one has a function.
template <bool callable>
class Watch : public Module {
public:
    using Module::Module;

    static auto declare() {
        auto declaration = declare_module<Watch>(callable ? "watch" : "silent_watch", "Ticks");
        if constexpr (callable) {
            return std::move(declaration).function("ticks", "How many", &Watch::ticks);
        } else {
            return declaration;
        }
    }
    Task<> load() override {
        start(tick(), {.name = "watch.tick", .daemon = true});
        co_return;
    }
    std::int64_t ticks() const { return ticks_; }

private:
    Task<> tick() {
        for (;;) {
            co_await sleep(1s);
            ++ticks_;
        }
    }

    std::int64_t ticks_ = 0;
};

Registry registry() {
    return Registry().add<Post>().add<Bell>().add<Watch<true>>().add<Watch<false>>();
}

Task<> send_parcels(std::string to, int count, Texts& told) {
    for (int i = 0; i != count; ++i) {
        const Ref<Parcel> parcel = make_event<Parcel>(to);
        parcel->number = i;
        Ref<Event> event(parcel.get());
        co_await send(std::move(event));
        told.push_back("sent " + to + std::to_string(i));
    }
}

Task<> receive(Scheduler& scheduler, Texts& told) {
    co_await sleep(10s);
    const Queue* urgent = scheduler.queue().find("urgent");
    const Queue* parcels = scheduler.queue().find("parcels");
    told.push_back("urgent holds " + std::to_string(urgent->size()) + ", the rest " +
                   std::to_string(parcels->size()));
    const MatcherOf<Parcel> all = match<Parcel>().make();
    for (int i = 0; i != 5; ++i) {
        const Ref<Parcel> parcel = co_await all;
        parcel->set_ignorable();
        told.push_back("got " + std::string(parcel->to.get()) + std::to_string(parcel->number));
    }
}

Task<> post_office(Container& container, Scheduler& scheduler, Texts& told) {
    co_await sleep(6s);  // the module has loaded, its queues are there
    container.start(send_parcels("home", 3, told));
    container.start(send_parcels("king", 2, told));
    Task<> receiving = receive(scheduler, told);
    co_await receiving;
}

Task<> call_it(Texts& told) {
    const ApiResult<Json> result = co_await call("post", "stamps");
    told.push_back(result ? result.value().dump() : to_text(result.error()));
}

Task<> call_often(Container& container, Scheduler& scheduler, Texts& told) {
    for (int i = 0; i != 5; ++i) {
        container.start(call_it(told));
    }
    co_await sleep(1s);  // the module still loads
    told.push_back(std::to_string(scheduler.queue().find("moduleapi")->size()) +
                   " wait in the queue");
    co_await sleep(10s);
}

Task<> listen(Texts& told) {
    const MatcherOf<ModuleNotification> rings = match<ModuleNotification>("bell", "rings").make();
    const Ref<ModuleNotification> event = co_await rings;
    told.push_back("rings " + event->content["times"].dump() + " times");
}

// Calls the function with the server when all has loaded, and looks what is there 10 s later.
Task<> change(Server& server, std::string configuration, Texts& told) {
    co_await sleep(6s);
    try {
        server.reconfigure(SimulatedServer::read(std::move(configuration)));
    } catch (const std::invalid_argument& error) {
        told.push_back(error.what());
    }
    co_await sleep(10s);
    for (const char* name : {"post", "bell"}) {
        if (server.loader().state(name) == ModuleState::succeeded) {
            told.push_back(name);
        }
    }
    Task<> calling = call_it(told);
    co_await calling;
}

Texts after_change(const std::string& configuration, std::string& log) {
    Post::changes.clear();
    Texts told;
    SimulatedServer world(R"({"server": {"startup": ["post"]}})", registry());
    world.run(change(world.server(), configuration, told));
    log = world.log();
    return told;
}

}  // namespace

TEST_CASE("server: queues without limits in the configuration have none") {
    SimulatedServer world(R"({"server": {"startup": ["post"], "queues": [
        {"event": "weir.server_test.Parcel", "name": "parcels"}]}})",
                          registry());
    const auto look = [](SimulatedServer& w) -> Task<> {
        co_await sleep(1s);
        const Queue& root = w.scheduler().queue();
        CHECK(root.max_total() == unlimited);
        CHECK(root.default_queue().max_size() == unlimited);
        const Queue* parcels = root.find("parcels");
        REQUIRE(parcels != nullptr);
        CHECK(parcels->max_total() == unlimited);
        CHECK(parcels->default_queue().max_size() == unlimited);
    };
    world.run(look(world));
}

TEST_CASE("server: queues of the configuration take their events, with limits and priorities") {
    Texts told;
    SimulatedServer world(R"({"server": {"startup": ["post"], "queues": [
        {"name": "parcels", "event": "weir.server_test.Parcel", "limit": 2, "priority": 100},
        {"name": "urgent", "event": "weir.server_test.Parcel", "index": {"to": "king"},
         "priority": 200}]}})",
                          registry());
    Container container(world.scheduler());
    world.run(post_office(container, world.scheduler(), told));
    CHECK(told == Texts{"sent home0", "sent home1", "sent king0", "sent king1",
                        "urgent holds 2, the rest 2", "got king0", "got king1", "got home0",
                        "sent home2", "got home1", "got home2"});
    CHECK(world.log() == "");
}

TEST_CASE(
    "server: a limited number of calls of a module wait in its queue, the rest outside of it") {
    Texts told;
    SimulatedServer world(R"({"server": {"startup": ["post"], "calls_per_module": 2}})",
                          registry());
    Container container(world.scheduler());
    world.run(call_often(container, world.scheduler(), told));
    CHECK(told == Texts{"2 wait in the queue", "1", "1", "1", "1", "1"});
}

TEST_CASE(
    "server: a notification of a module reaches the routines that wait for its target and name") {
    Texts told;
    SimulatedServer world(R"({"server": {"startup": ["bell"]}})", registry());
    world.run(listen(told));
    CHECK(told == Texts{"rings 3 times"});
}

TEST_CASE("server: a changed setting reaches the module, with what it was before") {
    std::string log;
    const Texts told = after_change(
        R"({"server": {"startup": ["post"]}, "module": {"post": {"stamps": 4}}})", log);
    CHECK(told == Texts{"post", "4"});
    CHECK(Post::changes == Texts{"1 -> 4"});
    CHECK(log == "");
}

TEST_CASE("server: a setting that cannot change while the program runs stays, and it says so") {
    std::string log;
    const Texts told = after_change(
        R"({"server": {"startup": ["post"], "process_events": 7},
            "module": {"post": {"counters": 2, "stamps": 4}}})",
        log);
    CHECK(told == Texts{"post", "4"});
    CHECK(log ==
          "warning: server.process_events: 1000 -> 7, takes effect when the server is started "
          "again\n"
          "warning: module.post.counters: 1 -> 2, takes effect when the module is reloaded\n");
}

TEST_CASE("server: a configuration with mistakes changes nothing, and all mistakes are reported") {
    std::string log;
    const Texts told = after_change(
        R"({"server": {"startup": ["post"]}, "module": {"post": {"stamps": 0, "stmaps": 2}}})",
        log);
    REQUIRE(told.size() == 3);
    CHECK(told[0].find("module.post.stamps: 0 is out of range") != std::string::npos);
    CHECK(told[0].find("unknown setting 'stmaps' (did you mean 'stamps'?)") != std::string::npos);
    CHECK(told[2] == "1");
    CHECK(Post::changes.empty());
}

TEST_CASE("server: modules that come into the startup load, those that go from it unload") {
    std::string log;
    const Texts told = after_change(R"({"server": {"startup": ["bell"]}})", log);
    CHECK(told == Texts{"bell", "unknown_module: the module 'post' is unloaded"});
    CHECK(log == "");
}

TEST_CASE("a server whose modules have functions runs until it quits", "[server]") {
    const auto time_of_run = [](const char* startup) {
        Simulation simulation;
        Server server(simulation, SimulatedServer::read(startup),
                      {.registry = registry(), .log = [](const LogRecord&) {}});
        simulation.happen(1h, [&server] { server.scheduler().quit(); });
        server.run();
        return simulation.now().time_since_epoch();
    };
    CHECK(time_of_run(R"({"server": {"startup": ["silent_watch"]}})") < 1h);
    CHECK(time_of_run(R"({"server": {"startup": ["watch"]}})") == 1h);
}

namespace {

// Takes the order to quit for one of the failures that it tries to survive.
class Deaf : public Module {
public:
    using Module::Module;

    static auto declare() { return declare_module<Deaf>("deaf", "Goes on"); }
    void begin() override { start(go_on(), {.name = "deaf.go_on"}); }

private:
    Task<> go_on() {
        for (;;) {
            try {
                co_await sleep(1h);
            } catch (...) {
            }
        }
    }
};

}  // namespace

TEST_CASE("a server names and closes the routines that do not quit within server.quit_timeout",
          "[server]") {
    Simulation simulation;
    Texts logged;
    Server server(
        simulation,
        SimulatedServer::read(R"({"server": {"startup": ["deaf"], "quit_timeout": "7s"}})"),
        {.registry = Registry().add<Deaf>(), .log = [&logged](const LogRecord& record) {
             if (record.level >= LogLevel::warning) {
                 logged.emplace_back(record.text);
             }
         }});
    simulation.happen(90min, [&server] { server.scheduler().quit(); });
    server.run();
    CHECK(simulation.now().time_since_epoch() == 90min + 7s);
    REQUIRE(logged.size() == 2);
    CHECK(logged[0] ==
          "closes the routines that have not ended 7s (server.quit_timeout) after they were told "
          "to quit");
    CHECK_THAT(logged[1],
               Catch::StartsWith("closes 1 routine of 'deaf': 'deaf.go_on' started at ") &&
                   Catch::Contains("server_test.cpp:") && Catch::Contains(", waits at ") &&
                   Catch::EndsWith(", for 7 s"));
}
