#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <catch2/catch.hpp>
#include <malloc.h>
#include <sys/stat.h>

#include "core/wait/timeout.h"
#include "modules/system/module/plugin.h"
#include "tests/plugins/versions/announcement.h"
#include "tests/plugins/versions/plugin_folder.h"

namespace weir {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace test;

// What the consumer makes of an announcement of the producer.
Task<> hear(std::string& heard) {
    const MatcherOf<Echo> echoes = match<Echo>().make();
    const Ref<Echo> echo = co_await echoes;
    heard = std::to_string(echo->sum) + " " + echo->version;
}

Task<std::string> announce(Server& server) {
    Container container(server.scheduler());
    std::string heard = "nothing";
    container.start(hear(heard), {.foreground = true});
    Json numbers{{"a", 1}, {"b", 2}};
    Task<std::string> asking = ask("producer", "announce", std::move(numbers));
    co_await asking;
    co_await sleep(milliseconds(1));
    co_return heard;
}

Task<> tell_version(Server& server, Texts& told) {
    Task<std::string> asking = ask("producer", "version", {});
    told.push_back(co_await asking);
    Task<std::string> announcing = announce(server);
    told.push_back(co_await announcing);
}

Task<> reload(Server& server, Texts names, Texts& told) {
    std::string what;
    Task<> reloading = tell(server.loader().reload(std::move(names)), what);
    co_await reloading;
    if (!what.empty()) {
        told.push_back(what);
    }
    Task<> telling = tell_version(server, told);
    co_await telling;
}

Task<> run_versions(Server& server, const PluginFolder& folder, Texts& told) {
    Task<> starting = wait_for_startup(server, "consumer");
    co_await starting;
    Json numbers{{"a", 1}, {"b", 2}};
    Task<std::string> adding = ask("producer", "add", std::move(numbers));
    told.push_back(co_await adding);
    Task<std::string> failing = ask("producer", "fail", {});
    told.push_back(co_await failing);
    Task<> telling = tell_version(server, told);
    co_await telling;
    folder.put("producer", "version2");
    Texts producer{"producer"};
    Task<> second = reload(server, producer, told);
    co_await second;
    folder.put("consumer", "version2");
    Texts consumer{"consumer"};
    Task<> third = reload(server, consumer, told);
    co_await third;
    folder.put("producer", "version1");
    folder.put("consumer", "version1");
    Texts both{"producer", "consumer"};
    Task<> fourth = reload(server, both, told);
    co_await fourth;
    Task<std::string> asking = ask("producer", "nothing", {});
    told.push_back(co_await asking);
    std::string what;
    Task<> unloading = tell(server.loader().unload("producer"), what);
    co_await unloading;
    told.push_back(what);
}

}  // namespace

TEST_CASE("plugins: two that depend on each other are reloaded, each version answers") {
    const PluginFolder folder;
    folder.put("producer", "version1");
    folder.put("consumer", "version1");
    SimulatedServer world(folder.configuration({"consumer"}));
    Texts told;
    world.run(run_versions(world.server(), folder, told));
    CHECK(told == Texts{"3", "failed: test",            //
                        R"("version1")", "3 version1",  //
                        R"("version2")", "3 version1",  //
                        R"("version2")", "3 version2",  //
                        R"("version1")", "3 version1",  //
                        "unknown_function: the module 'producer' has no function 'nothing'", ""});
    // All libraries have left memory. What a function throws is in the log, too.
    CHECK(world.log() == "error: the function producer.fail ended with an exception: test\n");
}

namespace {

std::size_t bytes_in_use() {
    return mallinfo2().uordblks;
}

// How many bytes of the heap are in use after as many reloads, and after three times as many.
Task<> reload_often(Server& server, int times, std::pair<std::size_t, std::size_t>& used) {
    Task<> starting = wait_for_startup(server, "consumer");
    co_await starting;
    std::string what;
    for (int i = 0; i != 3 * times; ++i) {
        Texts names{"producer", "consumer"};
        Task<> reloading = tell(server.loader().reload(std::move(names)), what);
        co_await reloading;
        co_await sleep(seconds(1));  // the old versions leave
        (i < times ? used.first : used.second) = bytes_in_use();
    }
}

}  // namespace

TEST_CASE("plugins: reloads leave nothing behind on the heap, however many") {
    const PluginFolder folder;
    folder.put("producer", "version1");
    folder.put("consumer", "version1");
    SimulatedServer world(folder.configuration({"consumer"}));
    std::pair<std::size_t, std::size_t> used;
    world.run(reload_often(world.server(), 30, used));
    CHECK(world.log() == "");
    CHECK(used.second <= used.first + 2048);
}

namespace {

Task<> reload_broken(Server& server, const PluginFolder& folder, Texts& told) {
    Task<> starting = wait_for_startup(server, "consumer");
    co_await starting;
    folder.put("producer", "broken");
    Texts producer{"producer"};
    Task<> broken = reload(server, producer, told);
    co_await broken;
    std::filesystem::copy_file(folder.path() + "/consumer.so", folder.path() + "/producer.so",
                               std::filesystem::copy_options::overwrite_existing);
    Task<> wrong = reload(server, producer, told);
    co_await wrong;
}

}  // namespace

TEST_CASE("plugins: when the new version does not load, the old one runs on") {
    const PluginFolder folder;
    folder.put("producer", "version1");
    folder.put("consumer", "version2");
    SimulatedServer world(folder.configuration({"consumer"}));
    Texts told;
    world.run(reload_broken(world.server(), folder, told));
    CHECK(told == Texts{"the module 'producer' failed: "
                        "this version is broken; the old version runs on",
                        R"("version1")", "3 version2",
                        "nothing is reloaded: " + folder.path() +
                            "/producer.so is not a plugin: it has no entry point "
                            "weir_plugin_producer",
                        R"("version1")", "3 version2"});
}

namespace {

Task<> try_to_load(Loader& loader, std::string name, std::string& what) {
    Task<> loading = tell(loader.load(std::move(name)), what);
    co_await loading;
}

}  // namespace

TEST_CASE("plugins: one that does not fit is refused, and it is said why") {
    const PluginFolder folder;
    folder.put("foreign", "version1");
    folder.put("nothing", "version1");
    std::string what;
    {
        SimulatedServer world(folder.configuration({}));
        world.run(try_to_load(world.loader(), "foreign", what));
        CHECK(what == "the module 'foreign' failed: " + folder.path() +
                          "/foreign.so was built for another ABI: compiler is 'Turbo C 2', "
                          "expected '" +
                          own_abi.compiler + "'");
    }
    {
        SimulatedServer world(folder.configuration({}));
        world.run(try_to_load(world.loader(), "nothing", what));
        CHECK(what == "the module 'nothing' failed: " + folder.path() +
                          "/nothing.so is not a plugin: it has no entry point "
                          "weir_plugin_nothing");
    }
    SimulatedServer world(folder.configuration({}));
    world.run(try_to_load(world.loader(), "noting", what));
    CHECK(what == "the module 'noting' failed: unknown module 'noting' (did you mean 'nothing'?)");
}

TEST_CASE("plugins: what has a plugin's name and is no file is told as what it is") {
    const PluginFolder folder;
    std::filesystem::create_directory(folder.path() + "/tea.so");
    std::filesystem::create_symlink("/nowhere.so", folder.path() + "/milk.so");
    REQUIRE(mkfifo((folder.path() + "/juice.so").c_str(), 0600) == 0);
    const std::string path = folder.path() + "/";
    for (const auto& [name, why] : std::vector<std::pair<std::string, std::string>>{
             {"tea", path + "tea.so is a folder, not a plugin"},
             {"milk", "cannot open " + path + "milk.so: No such file or directory"},
             {"juice", path + "juice.so is no regular file"}}) {
        SimulatedServer world(folder.configuration({}));
        std::string what;
        world.run(try_to_load(world.loader(), name, what));
        CHECK(what == "the module '" + name + "' failed: " + why);
    }
}

TEST_CASE("plugins: control characters in names are escaped in what is said of them") {
    const PluginFolder folder;
    SimulatedServer world(folder.configuration({}));
    std::string what;
    world.run(try_to_load(world.loader(), "\x1b[31mred", what));
    CHECK(what == "the module '\\x1b[31mred' failed: unknown module '\\x1b[31mred'");
}

namespace {

Task<> unload_sticky(Loader& loader, std::string& refused, std::string& forced) {
    std::string what;
    Task<> loading = tell(loader.load("sticky"), what);
    co_await loading;
    CHECK(what == "");
    Task<> unloading = tell(loader.unload("sticky"), refused);
    co_await unloading;
    Task<> forcing = tell(loader.unload("sticky", true), forced);
    co_await forcing;
    CHECK(loader.state("sticky") == ModuleState::unloaded);
}

}  // namespace

TEST_CASE("plugins: one whose code still runs elsewhere does not go, unless it is forced") {
    const PluginFolder folder;
    folder.put("sticky", "version1");
    SimulatedServer world(folder.configuration({}));
    std::string refused;
    std::string forced;
    world.run(unload_sticky(world.loader(), refused, forced));
    const std::string begin =
        "the module 'sticky' is not unloaded, there still is: 'sticky.stay' started at ";
    CHECK(refused.substr(0, begin.size()) == begin);
    CHECK(refused.find("waits at ") != std::string::npos);
    CHECK(refused.find("sticky.cpp:20 for the end of 3600 s") != std::string::npos);
    CHECK(forced == "");
    CHECK(world.log() == "");
}

TEST_CASE("plugins: what cannot be closed is named, and the code stays even if it is forced") {
    const auto [version, what] =
        GENERATE(table<std::string, std::string>({{"handler", "a handler of test.Announcement()"},
                                                  {"pointer", "a handler of test.Announcement()"},
                                                  {"tracer", "the tracer of the scheduler"}}));
    CAPTURE(version);
    const PluginFolder folder;
    folder.put("sticky", version);
    SimulatedServer world(folder.configuration({}));
    world.leave_behind();
    std::string refused;
    std::string forced;
    world.run(unload_sticky(world.loader(), refused, forced));
    CHECK(refused == "the module 'sticky' is not unloaded, there still is: " + what);
    CHECK(forced == "");
    CHECK(world.log() ==
          "error: the plugin of the module 'sticky' stays in memory, there still is: " + what +
              "\n");
    world.scheduler().set_tracer(nullptr);
}

namespace {

Task<> load_and_unload_sticky(Loader& loader, std::string& what, Duration& took) {
    Task<> loading = tell(loader.load("sticky"), what);
    co_await loading;
    const Time before = loader.scheduler().now();
    Task<> unloading = tell(loader.unload("sticky", true), what);
    co_await unloading;
    took = loader.scheduler().now() - before;
}

}  // namespace

TEST_CASE("plugins: the code of work on another thread stays until the work is done") {
    const PluginFolder folder;
    folder.put("sticky", "work");
    std::string what;
    Duration longest{};
    for (std::uint64_t seed = 1; seed != 10; ++seed) {
        SimulatedServer world(folder.configuration({}), {}, seed);
        world.simulation().delay_threads(seconds(3));
        Duration took{};
        world.run(load_and_unload_sticky(world.loader(), what, took));
        CHECK(what == "");
        CHECK(world.log() == "");
        longest = std::max(longest, took);
    }
    CHECK(longest > seconds(1));
}

namespace {

Task<> greet(Server& server, Texts& told) {
    Task<> starting = wait_for_startup(server, "hello");
    co_await starting;
    co_await sleep(seconds(3));
    Json bob{{"name", "Bob"}, {"times", 2}};
    Task<std::string> greeting = ask("hello", "greet", std::move(bob));
    told.push_back(co_await greeting);
    Json too_often{{"times", 11}};
    Task<std::string> refusing = ask("hello", "greet", std::move(too_often));
    told.push_back(co_await refusing);
    Task<std::string> counting = ask("hello", "seconds", {});
    told.push_back(co_await counting);
}

}  // namespace

TEST_CASE("plugins: hello has a setting, a function and a routine") {
    const PluginFolder folder;
    folder.put_installed("hello");
    SimulatedServer world(folder.configuration({"hello"}, {{"hello", {{"greeting", "Moin"}}}}));
    Texts told;
    world.run(greet(world.server(), told));
    CHECK(told == Texts{R"("Moin, Bob! Moin, Bob!")",
                        "bad_parameter: times: 11 is out of range: 1 to 10", "3"});
    CHECK(world.log() == "");
}

namespace {

Task<> manage(Server& server, const PluginFolder& folder, Texts& told) {
    Task<> starting = wait_for_startup(server, "manager");
    co_await starting;
    Json consumer{{"module", "consumer"}};
    Task<std::string> loading = ask("manager", "load", consumer);
    told.push_back(co_await loading);
    Json nobody{{"module", "nobody"}};
    Task<std::string> not_loading = ask("manager", "load", std::move(nobody));
    told.push_back(co_await not_loading);
    folder.put("producer", "version2");
    co_await sleep(seconds(3));
    Task<> telling = tell_version(server, told);
    co_await telling;
    Task<std::string> unloading = ask("manager", "unload", std::move(consumer));
    told.push_back(co_await unloading);
    Task<ApiResult<Json>> listing = call("manager", "modules");
    const ApiResult<Json> modules = co_await listing;
    for (const Json& module : modules.value()) {
        told.push_back(module["name"].get<std::string>() + " " +
                       module["state"].get<std::string>());
    }
}

Task<> inspect(Server& server, Texts& told) {
    Task<> starting = wait_for_startup(server, "consumer");
    co_await starting;
    co_await sleep(seconds(2));
    Task<ApiResult<Json>> inspecting = call("manager", "inspect");
    const ApiResult<Json> result = co_await inspecting;
    const Json& all = result.value();
    for (const Json& module : all["modules"]) {
        told.push_back(module["name"].get<std::string>() + " " +
                       module["state"].get<std::string>() + " " +
                       std::to_string(module["seconds"].get<double>() >= 2) + " " +
                       module["routines"].dump() + " " + module["timers"].dump());
    }
    for (const Json& routine : all["routines"]) {
        told.push_back(routine["module"].get<std::string>() + ": " +
                       routine["name"].get<std::string>() + " is " +
                       routine["state"].get<std::string>());
    }
    told.push_back(all["locks"].dump() + " " + all["queue"]["max_total"].dump());
}

}  // namespace

TEST_CASE("plugins: the manager tells what is there, and to which module each routine belongs") {
    const PluginFolder folder;
    folder.put_installed("manager");
    folder.put("producer", "version1");
    folder.put("consumer", "version1");
    const Json manager{{"auto_reload", true}, {"check_interval", "1h"}};
    SimulatedServer world(folder.configuration({"manager", "consumer"}, {{"manager", manager}}));
    Texts told;
    world.run(inspect(world.server(), told));
    CHECK(told == Texts{"consumer succeeded 1 1 0", "manager succeeded 1 2 1",
                        "producer succeeded 1 0 0", ": test is waiting",
                        "manager: manager.watch is waiting", "consumer: consumer.echo is waiting",
                        "manager: manager.inspect is running", "null null"});
}

TEST_CASE("plugins: the manager lists, loads, unloads, and reloads what has changed") {
    const PluginFolder folder;
    folder.put_installed("manager");
    folder.put("producer", "version1");
    folder.put("consumer", "version1");
    const Json manager{{"auto_reload", true}, {"check_interval", "1s"}};
    SimulatedServer world(folder.configuration({"manager"}, {{"manager", manager}}));
    Texts told;
    world.run(manage(world.server(), folder, told));
    CHECK(told == Texts{"null", "failed: the module 'nobody' failed: unknown module 'nobody'",
                        R"("version2")", "3 version1", "null", "consumer unloaded",
                        "manager succeeded", "nobody failed", "producer succeeded"});
}

namespace {

Task<> unload_manager(Server& server, Texts& told) {
    Task<> starting = wait_for_startup(server, "manager");
    co_await starting;
    Json itself{{"module", "manager"}};
    Task<std::string> unloading = ask("manager", "unload", std::move(itself));
    told.push_back(co_await unloading);
    co_await sleep(seconds(1));
    told.emplace_back(to_string(server.loader().state("manager")));
}

}  // namespace

TEST_CASE("plugins: the manager that unloads itself answers first") {
    const PluginFolder folder;
    folder.put_installed("manager");
    SimulatedServer world(folder.configuration({"manager"}));
    Texts told;
    world.run(unload_manager(world.server(), told));
    CHECK(told == Texts{"null", "unloaded"});
    CHECK(world.log() == "");
}

TEST_CASE("plugins: those that were opened to check a configuration are not opened again") {
    const PluginFolder folder;
    folder.put("producer", "version1");
    folder.put("consumer", "version1");
    config::Problems problems;
    CheckedApp app(SimulatedServer::read(folder.configuration({"consumer"})), {}, problems);
    REQUIRE(problems.empty());
    setenv("TMPDIR", "/nowhere", 1);  // there cannot be another private copy
    Simulation simulation;
    std::string log;
    {
        Server server(simulation, std::move(app),
                      [&log](const LogRecord& record) { log += std::string(record.text) + "\n"; });
        server.run();
        CHECK(server.startup_failure() == "");
    }
    unsetenv("TMPDIR");
    CHECK(log.find("producer loaded ('consumer' depends on it)\n") != std::string::npos);
    CHECK(log.find("consumer loaded (listed in server.startup)\n") != std::string::npos);
    CHECK(log.find("consumer unloaded (all modules unload)\n") != std::string::npos);
}

}  // namespace weir
