// Tests how versions of plugins replace each other.
#include <fstream>
#include <optional>
#include <string_view>

#include <catch2/catch.hpp>

#include "core/wait/do_events.h"
#include "core/wait/send.h"
#include "modules/system/call/json.h"
#include "modules/system/module/abi.h"
#include "tests/plugins/versions/announcement.h"
#include "tests/plugins/versions/plugin_folder.h"

namespace weir {

namespace {

using namespace test;
using std::chrono::seconds;

// Concurrent calls, with their answers in the order of arrival.
class Callers {
public:
    explicit Callers(Scheduler& scheduler) : container_(scheduler) {}

    void begin(std::string module, std::string function, Json parameters) {
        container_.start(run(std::move(module), std::move(function), std::move(parameters)),
                         {.name = "caller", .foreground = true});
        ++begun_;
    }
    Task<> until_answered() {
        while (answers.size() != begun_) {
            co_await sleep(std::chrono::milliseconds(1));
        }
    }

    Texts answers;

private:
    Task<> run(std::string module, std::string function, Json parameters) {
        Task<std::string> asking =
            ask(std::move(module), std::move(function), std::move(parameters));
        answers.push_back(co_await asking);
    }

    std::size_t begun_ = 0;
    Container container_;
};

Json for_seconds(int count) {
    Json json;
    json["seconds"] = count;
    return json;
}

// Returns whether no copy of the library is in memory. Under a sanitizer they stay.
bool has_left(const std::string& library) {
    if (std::string_view(own_abi.sanitizer) != "none") {
        return true;
    }
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        if (line.find("/weir-") != std::string::npos && line.find(library) != std::string::npos) {
            return false;
        }
    }
    return true;
}

// Reloads with the version. Notes the loader's error, if any, and then what the module counts.
Task<> change_counter(Server& server, const PluginFolder& folder, std::string version,
                      Texts& told) {
    folder.put("counter", version);
    std::string what;
    Texts names{"counter"};
    co_await tell(server.loader().reload(std::move(names)), what);
    if (!what.empty()) {
        told.push_back(what);
    }
    Task<std::string> adding = ask("counter", "add", {});
    co_await adding;
    Task<std::string> asking = ask("counter", "count", {});
    told.push_back(co_await asking);
}

Task<> change_counters(Server& server, const PluginFolder& folder, Texts versions, Texts& told) {
    co_await wait_for_startup(server, "counter");
    for (const std::string& version : versions) {
        co_await change_counter(server, folder, version, told);
    }
}

Texts told_by_counters(Texts versions, std::string& log) {
    const PluginFolder folder;
    folder.put("counter", "first");
    const Json quick{{"reload_timeout", "2s"}};
    SimulatedServer world(folder.configuration({"counter"}, {{"counter", quick}}));
    Texts told;
    world.run(change_counters(world.server(), folder, std::move(versions), told));
    log = world.log();
    return told;
}

}  // namespace

TEST_CASE("reload hands state from version to version, also to a version with another state",
          "[reload]") {
    std::string log;
    CHECK(told_by_counters({"first", "second", "later", "later"}, log) ==
          Texts{R"("1 first")", R"("2 second")", R"("3 later")", R"("4 later")"});
    CHECK(log == "");
    CHECK(has_left("counter.so"));
}

TEST_CASE("reload to a version that knows no state starts fresh", "[reload]") {
    std::string log;
    CHECK(told_by_counters({"second", "fresh"}, log) == Texts{R"("1 second")", R"("1 fresh")"});
}

TEST_CASE("when the new version fails in any way, the old version runs on unchanged", "[reload]") {
    std::string log;
    const std::string kept = "; the old version runs on";
    CHECK(told_by_counters({"broken", "hanging", "refusing", "late", "lying", "second"}, log) ==
          Texts{"the module 'counter' failed: this version is broken" + kept, R"("1 first")",
                "the module 'counter' failed: load() did not end within 2s" + kept, R"("2 first")",
                "the module 'counter' refuses the state 'count' version 1: more than it can "
                "count" +
                    kept,
                R"("3 first")", "the module 'counter' failed in begin(): it cannot begin" + kept,
                R"("4 first")",
                "the module 'counter': the state 'count' version 1 has 4 bytes in the old "
                "version, 44 in the new one: another layout needs another version" +
                    kept,
                R"("5 first")", R"("6 second")"});
    // The caller may have gone: the log has them, too.
    CHECK(std::ranges::count(log, '\n') == 5);
    CHECK(log.starts_with(
        "error: reloading counter: the module 'counter' failed: this version is broken" + kept));
    CHECK(has_left("counter.so"));
    CHECK(told_by_counters({"later", "first"}, log) ==
          Texts{R"("1 later")",
                "the module 'counter' does not take over the state 'count' version 2, only "
                "'count' version 1" +
                    kept,
                R"("2 later")"});
}

namespace {

Task<> reload_while_called(Server& server, const PluginFolder& folder, Callers& callers,
                           std::string& what) {
    co_await wait_for_startup(server, "counter");
    callers.begin("counter", "add", for_seconds(2));
    callers.begin("counter", "add", for_seconds(3));
    co_await sleep(seconds(1));
    folder.put("counter", "second");
    Texts names{"counter"};
    Container container(server.scheduler());
    container.start(tell(server.loader().reload(std::move(names)), what), {.foreground = true});
    co_await sleep(std::chrono::milliseconds(100));
    callers.begin("counter", "add", for_seconds(0));  // waits for the new version
    callers.begin("counter", "count", {});
    co_await callers.until_answered();
}

}  // namespace

TEST_CASE("reload hands state over after the calls that run, and new calls wait until then",
          "[reload]") {
    const PluginFolder folder;
    folder.put("counter", "first");
    SimulatedServer world(folder.configuration({"counter"}));
    std::string what;
    Callers callers(world.scheduler());
    world.run(reload_while_called(world.server(), folder, callers, what));
    CHECK(what == "");
    CHECK(callers.answers == Texts{"1", "2", R"("2 second")", "3"});
    CHECK(world.log() == "");
}

namespace {

Task<> reload_without_waiting(Server& server, const PluginFolder& folder, Callers& callers,
                              std::string& what) {
    co_await wait_for_startup(server, "counter");
    callers.begin("counter", "add", for_seconds(60));
    co_await sleep(seconds(1));
    folder.put("counter", "second");
    Texts names{"counter"};
    co_await tell(server.loader().reload(std::move(names)), what);
    callers.begin("counter", "count", {});
    co_await callers.until_answered();
}

}  // namespace

TEST_CASE("a module that opts in hands over at once, and its calls continue without the state",
          "[reload]") {
    const PluginFolder folder;
    folder.put("counter", "going");
    SimulatedServer world(folder.configuration({"counter"}));
    std::string what;
    Callers callers(world.scheduler());
    world.run(reload_without_waiting(world.server(), folder, callers, what));
    CHECK(what == "");
    CHECK(callers.answers == Texts{R"("0 second")", "-999"});
    CHECK(world.log() == "");
    CHECK(has_left("counter.so"));
}

namespace {

Task<> reload_while_called_for_long(Server& server, Callers& callers, std::string& what) {
    co_await wait_for_startup(server, "counter");
    callers.begin("counter", "add", for_seconds(60));
    co_await sleep(seconds(1));
    Texts names{"counter"};
    co_await tell(server.loader().reload(std::move(names)), what);
    co_await callers.until_answered();
}

}  // namespace

TEST_CASE("when calls do not end in time, reload fails, names them, and the old version runs on",
          "[reload]") {
    const PluginFolder folder;
    folder.put("counter", "first");
    SimulatedServer world(folder.configuration({"counter"}));
    std::string what;
    Callers callers(world.scheduler());
    world.run(reload_while_called_for_long(world.server(), callers, what));
    CHECK(
        what.starts_with("the module 'counter' cannot hand over its state, there still is: "
                         "'counter.add' started at "));
    CHECK(what.find(", waits at ") != std::string::npos);
    CHECK(what.find("counter.cpp:") != std::string::npos);
    CHECK(what.ends_with("for the end of 60 s; the old version runs on"));
    CHECK(callers.answers == Texts{"1"});
}

namespace {

Task<> hear_echoes(Texts& echoes) {
    const MatcherOf<Echo> matcher = match<Echo>().make();
    for (;;) {
        const Ref<Echo> echo = co_await matcher;
        echoes.push_back(std::to_string(echo->sum) + " " + echo->version);
    }
}

Task<> keep_both(Server& server, const PluginFolder& folder, Callers& callers, Texts& told) {
    co_await wait_for_startup(server, "keeper");
    Texts echoes;
    Container container(server.scheduler());
    container.start(hear_echoes(echoes), {.daemon = true, .foreground = true});
    callers.begin("keeper", "keep", for_seconds(100));
    co_await sleep(seconds(1));
    for (const std::string version : {"second", "third"}) {
        folder.put("keeper", version);
        std::string what;
        Texts names{"keeper"};
        co_await tell(server.loader().reload(std::move(names)), what);
        told.push_back(what);
        callers.begin("keeper", "keep", for_seconds(10));
        co_await send(make_event<Announcement>(static_cast<int>(told.size()), 0));
        co_await sleep(seconds(1));
    }
    for (const ModuleInfo& module : server.loader().modules()) {
        for (const Texts& living : module.leaving) {
            told.push_back(living.front().substr(0, living.front().find(" started at")));
        }
    }
    co_await callers.until_answered();
    co_await sleep(seconds(1));
    told.push_back(std::to_string(server.loader().modules().front().leaving.size()));
    told.insert(told.end(), echoes.begin(), echoes.end());
}

}  // namespace

TEST_CASE("calls end in the version that they began in, however many versions there are",
          "[reload]") {
    const PluginFolder folder;
    folder.put("keeper", "first");
    SimulatedServer world(folder.configuration({"keeper"}));
    Texts told;
    Callers callers(world.scheduler());
    world.run(keep_both(world.server(), folder, callers, told));
    // The queue stays, and one version handles each event.
    CHECK(told == Texts{"", "", "'keeper.keep'", "'keeper.keep'", "0", "1 second", "2 third"});
    CHECK(callers.answers == Texts{R"("second")", R"("third")", R"("first")"});
    CHECK(world.log() == "");
    CHECK(has_left("keeper.so"));
}

namespace {

Task<> unload_while_called(Server& server, Callers& callers, Texts& told) {
    co_await wait_for_startup(server, "keeper");
    callers.begin("keeper", "keep", for_seconds(3));
    callers.begin("keeper", "keep", for_seconds(60));
    co_await sleep(seconds(1));
    std::string what;
    Container container(server.scheduler());
    container.start(tell(server.loader().unload("keeper"), what), {.foreground = true});
    co_await sleep(seconds(1));
    callers.begin("keeper", "keep", {});
    co_await callers.until_answered();
    told.push_back(what);
}

}  // namespace

TEST_CASE("unload rejects new calls, lets running calls end, and cancels them after a timeout",
          "[unload]") {
    const PluginFolder folder;
    folder.put("keeper", "first");
    SimulatedServer world(folder.configuration({"keeper"}));
    Texts told;
    Callers callers(world.scheduler());
    world.run(unload_while_called(world.server(), callers, told));
    CHECK(told == Texts{""});
    CHECK(callers.answers == Texts{"unknown_module: the module 'keeper' is unloading", R"("first")",
                                   "rejected: the module 'keeper' was unloaded during the call"});
    CHECK(world.log().starts_with(
        "warning: a call is cancelled, for the module 'keeper' is unloaded: 'keeper.keep'"));
    CHECK(has_left("keeper.so"));
}

namespace {

Task<> unload_while_held(Server& server, Texts& told) {
    co_await wait_for_startup(server, "keeper");
    for (int i = 0; i != 2; ++i) {
        Task<std::string> holding = ask("keeper", "hold", {});
        co_await holding;
        std::string what;
        co_await tell(server.loader().unload("keeper"), what);
        told.push_back(what);
    }
}

}  // namespace

TEST_CASE("unload fails while something of the module is held, names it, and the module runs on",
          "[unload]") {
    const PluginFolder folder;
    folder.put("keeper", "first");
    SimulatedServer world(folder.configuration({"keeper"}));
    Texts told;
    world.run(unload_while_held(world.server(), told));
    CHECK(told ==
          Texts{"the module 'keeper' is not unloaded, there still is: a handle of keeper", ""});
}

namespace {

using Kept = std::optional<Ref<Announcement>>;

// Makes the producer send an event, and keeps the delivered event.
Task<> keep_announcement(Kept& kept) {
    kept = co_await match<Announcement>();
}

Task<> get_announcement(Server& server, Kept& kept) {
    Container container(server.scheduler());
    container.start(keep_announcement(kept), {.foreground = true});
    co_await do_events();
    Json numbers{{"a", 1}, {"b", 2}};
    co_await ask("producer", "announce", std::move(numbers));
    while (!kept) {
        co_await do_events();
    }
}

Task<> unload_while_event_is_kept(Server& server, Texts& told) {
    co_await wait_for_startup(server, "producer");
    Kept kept;
    co_await get_announcement(server, kept);
    for (int i = 0; i != 2; ++i) {
        std::string what;
        co_await tell(server.loader().unload("producer"), what);
        told.push_back(what);
        kept.reset();
    }
}

}  // namespace

TEST_CASE("unload fails while an event of the module's types is kept, and works afterwards",
          "[unload]") {
    const PluginFolder folder;
    folder.put("producer", "version1");
    SimulatedServer world(folder.configuration({"producer"}));
    Texts told;
    world.run(unload_while_event_is_kept(world.server(), told));
    CHECK(told == Texts{"the module 'producer' is not unloaded, there still is: an event "
                        "test.Announcement still referenced by a receiver",
                        ""});
    CHECK(has_left("producer.so"));
}

namespace {

Task<> reload_while_event_is_kept(Server& server, const PluginFolder& folder, Texts& told) {
    co_await wait_for_startup(server, "producer");
    Kept kept;
    co_await get_announcement(server, kept);
    folder.put("producer", "version2");
    std::string what;
    Texts names{"producer"};
    co_await tell(server.loader().reload(std::move(names)), what);
    told.push_back(what);
    Task<std::string> asking = ask("producer", "version", {});
    told.push_back(co_await asking);
    co_await sleep(seconds(30));
    const std::vector<ModuleInfo> modules = server.loader().modules();
    for (const Texts& living : modules.front().leaving) {
        told.insert(told.end(), living.begin(), living.end());
    }
    told.push_back((*kept)->describe());
    kept.reset();
    co_await sleep(seconds(1));
    told.push_back(std::to_string(server.loader().modules().front().leaving.size()));
}

}  // namespace

TEST_CASE("an old version stays while an event of its types is kept", "[reload]") {
    const PluginFolder folder;
    folder.put("producer", "version1");
    SimulatedServer world(folder.configuration({"producer"}));
    Texts told;
    world.run(reload_while_event_is_kept(world.server(), folder, told));
    CHECK(told == Texts{"", R"("version2")",
                        "an event test.Announcement still referenced by a receiver",
                        "test.Announcement()", "0"});
    CHECK(has_left("producer.so"));
}

namespace {

Task<> pile_up(Server& server, const PluginFolder& folder, Texts& told) {
    Task<> starting = wait_for_startup(server, "own_kind");
    co_await starting;
    int sheet = 0;
    for (const std::string version : {"first", "second", "third"}) {
        folder.put("own_kind", version);
        std::string what;
        Texts names{"own_kind"};
        Task<> reloading = tell(server.loader().reload(std::move(names)), what);
        co_await reloading;
        told.push_back(what);
        Json number{{"number", ++sheet}};
        Task<std::string> piling = ask("own_kind", "pile", std::move(number));
        co_await piling;
        co_await sleep(seconds(10));
    }
    Task<std::string> asking = ask("own_kind", "version", {});
    told.push_back(co_await asking);
    const std::vector<ModuleInfo> modules = server.loader().modules();
    for (const Texts& living : modules.front().leaving) {
        told.insert(told.end(), living.begin(), living.end());
    }
    for (int i = 0; i != 3; ++i) {
        Task<std::string> taking = ask("own_kind", "take", {});
        told.push_back(co_await taking);
    }
    std::string what;
    Task<> unloading = tell(server.loader().unload("own_kind"), what);
    co_await unloading;
    told.push_back(what);
}

}  // namespace

TEST_CASE("reload: a version whose events have another layout does not get those that wait") {
    const PluginFolder folder;
    folder.put("own_kind", "first");
    SimulatedServer world(folder.configuration({"own_kind"}));
    std::string refused;
    std::string taken;
    world.run([](Server& server, const PluginFolder& plugins, std::string& what,
                 std::string& sheet) -> Task<> {
        co_await wait_for_startup(server, "own_kind");
        Json number{{"number", 7}};
        Task<std::string> piling = ask("own_kind", "pile", std::move(number));
        co_await piling;
        plugins.put("own_kind", "wide");
        Texts names{"own_kind"};
        co_await tell(server.loader().reload(std::move(names)), what);
        Task<std::string> taking = ask("own_kind", "take", {});
        sheet = co_await taking;
    }(world.server(), folder, refused, taken));
    CHECK_THAT(refused, Catch::StartsWith(
                            "the module 'own_kind' failed: the queue 'pile' of the version that "
                            "runs takes other events, or events of another layout: "
                            "test.Paper(), not test.Paper with "));
    CHECK(taken == "7");
}

TEST_CASE(
    "reload: a queue of a plugin's own kind keeps the version that made it until it is removed") {
    const PluginFolder folder;
    folder.put("own_kind", "first");
    SimulatedServer world(folder.configuration({"own_kind"}));
    Texts told;
    world.run(pile_up(world.server(), folder, told));
    // The version that was loaded first has made the queue, each has put an event of its own into
    // it.
    CHECK(told == Texts{"", "", "", R"("third")", "the queue 'pile', which is of its kind 'lifo'",
                        "an event test.Paper in the queues", "an event test.Paper in the queues",
                        "3", "2", "1", ""});
    CHECK(world.log() == "");
    CHECK(has_left("own_kind.so"));
}

namespace {

Task<> change_settings(Server& server, std::string changed, std::string& told) {
    co_await wait_for_startup(server, "keeper");
    server.reconfigure(SimulatedServer::read(std::move(changed)));
    Task<std::string> asking = ask("keeper", "settings", {});
    told = co_await asking;
}

}  // namespace

TEST_CASE("a module receives its old and new settings, and a fixed setting is reported",
          "[settings]") {
    const PluginFolder folder;
    folder.put("keeper", "first");
    const Json changed{{"changing", 2}, {"fixed", 2}};
    SimulatedServer world(folder.configuration({"keeper"}));
    std::string told;
    world.run(change_settings(world.server(),
                              folder.configuration({"keeper"}, {{"keeper", changed}}), told));
    CHECK(told == R"("1 to 2, fixed 1; ")");
    CHECK(world.log() ==
          "warning: module.keeper.fixed: 1 -> 2, takes effect when the module is reloaded\n");
}

}  // namespace weir
