#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/wait/timeout.h"
#include "modules/system/call/json.h"
#include "modules/system/module/plugin.h"
#include "modules/system/server/plugin_library.h"
#include "tests/plugins/versions/announcement.h"
#include "tests/plugins/versions/plugin_folder.h"

namespace weir {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace test;

// Notes the consumer's echo of an announcement by the producer.
Task<> hear(std::string& heard) {
    const Ref<Echo> echo = co_await match<Echo>();
    heard = std::to_string(echo->sum) + " " + echo->version;
}

Task<std::string> announce(Server& server) {
    Container container(server.scheduler());
    std::string heard = "nothing";
    container.start(hear(heard), {.foreground = true});
    Json numbers{{"a", 1}, {"b", 2}};
    co_await ask("producer", "announce", std::move(numbers));
    co_await sleep(milliseconds(1));
    co_return heard;
}

Task<> tell_version(Server& server, Texts& told) {
    Task<std::string> asking = ask("producer", "version", {});
    told.push_back(co_await asking);
    told.push_back(co_await announce(server));
}

Task<> reload(Server& server, Texts names, Texts& told) {
    std::string what;
    co_await tell(server.loader().reload(std::move(names)), what);
    if (!what.empty()) {
        told.push_back(what);
    }
    co_await tell_version(server, told);
}

Task<> run_versions(Server& server, const PluginFolder& folder, Texts& told) {
    co_await wait_for_startup(server, "consumer");
    Json numbers{{"a", 1}, {"b", 2}};
    told.push_back(co_await ask("producer", "add", std::move(numbers)));
    Task<std::string> failing = ask("producer", "fail", {});
    told.push_back(co_await failing);
    co_await tell_version(server, told);
    folder.put("producer", "version2");
    Texts producer{"producer"};
    co_await reload(server, producer, told);
    folder.put("consumer", "version2");
    Texts consumer{"consumer"};
    co_await reload(server, consumer, told);
    folder.put("producer", "version1");
    folder.put("consumer", "version1");
    Texts both{"producer", "consumer"};
    co_await reload(server, both, told);
    Task<std::string> asking = ask("producer", "nothing", {});
    told.push_back(co_await asking);
    std::string what;
    co_await tell(server.loader().unload("producer"), what);
    told.push_back(what);
}

}  // namespace

TEST_CASE("modules that depend on each other are reloaded, and the loaded version answers",
          "[plugins]") {
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

// Measures the bytes of heap in use after `times` reloads and after three times as many.
Task<> reload_often(Server& server, int times, std::pair<std::size_t, std::size_t>& used) {
    co_await wait_for_startup(server, "consumer");
    std::string what;
    for (int i = 0; i != 3 * times; ++i) {
        Texts names{"producer", "consumer"};
        co_await tell(server.loader().reload(std::move(names)), what);
        co_await sleep(seconds(1));  // until the old versions are unloaded
        (i < times ? used.first : used.second) = bytes_in_use();
    }
}

}  // namespace

TEST_CASE("reloads leave nothing behind on the heap, however many there are", "[plugins]") {
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
    co_await wait_for_startup(server, "consumer");
    folder.put("producer", "broken");
    Texts producer{"producer"};
    co_await reload(server, producer, told);
    std::filesystem::copy_file(folder.path() + "/consumer.so", folder.path() + "/producer.so",
                               std::filesystem::copy_options::overwrite_existing);
    co_await reload(server, producer, told);
}

}  // namespace

TEST_CASE("when the new version does not load, the old version runs on", "[plugins]") {
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
    co_await tell(loader.load(std::move(name)), what);
}

}  // namespace

namespace {

Task<> reload_undescribed(Server& server, const PluginFolder& folder, Texts& told) {
    co_await wait_for_startup(server, "consumer");
    for (const char* const version : {"twice", "inverted"}) {
        folder.put("producer", version);
        Texts producer{"producer"};
        co_await reload(server, producer, told);
    }
}

}  // namespace

TEST_CASE("a version that describes its settings wrongly is not loaded, and the old one runs on",
          "[plugins]") {
    const PluginFolder folder;
    folder.put("producer", "version1");
    folder.put("consumer", "version2");
    SimulatedServer world(folder.configuration({"consumer"}));
    Texts told;
    world.run(reload_undescribed(world.server(), folder, told));
    const std::string refused = "nothing is reloaded: " + folder.path() +
                                "/producer.so cannot describe its module: the struct "
                                "'(anonymous namespace)::Numbers' ";
    CHECK(told == Texts{refused + "describes 'a' twice", R"("version1")", "3 version2",
                        refused + "allows no value of 'a': the upper limit is below the lower one",
                        R"("version1")", "3 version2"});
}

namespace {

// Maps the beginning of the file in memory that a plugin was opened from, as libbacktrace does.
// Returns null if there is no such file.
void* map_private_copy(const std::string& name) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code failed;
        const std::string file = std::filesystem::read_symlink(entry.path(), failed).string();
        if (!failed && file.find("/" + name + ".so") != std::string::npos) {
            const int number = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
            void* const mapped = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, number, 0);
            ::close(number);
            return mapped;
        }
    }
    return nullptr;
}

}  // namespace

TEST_CASE("a plugin has left memory although a reader of debug information maps its file",
          "[plugins]") {
    const PluginFolder folder;
    folder.put("producer", "version1");
    PluginLibrary library(folder.path() + "/producer.so", "producer");
    void* const mapped = map_private_copy("producer");
    REQUIRE((mapped != nullptr || libraries_stay));
    CHECK(library.close() == "");
    if (mapped != nullptr) {
        ::munmap(mapped, 4096);
    }
}

TEST_CASE("a plugin that does not fit is rejected with the reason", "[plugins]") {
    const PluginFolder folder;
    folder.put("nothing", "version1");
    std::string what;
    {
        folder.put("foreign", "headers");
        SimulatedServer world(folder.configuration({}));
        world.run(try_to_load(world.loader(), "foreign", what));
        CHECK(what == "the module 'foreign' failed: " + folder.path() +
                          "/foreign.so was built for another ABI: digest of weir's headers is "
                          "'0123456789abcdef', expected '" +
                          own_abi.headers + "'");
    }
    {
        folder.put("foreign", "compiler");
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

TEST_CASE("plugins: a folder or device with a plugin's name is reported as what it is") {
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
    co_await tell(loader.load("sticky"), what);
    CHECK(what == "");
    co_await tell(loader.unload("sticky"), refused);
    co_await tell(loader.unload("sticky", true), forced);
    CHECK(loader.state("sticky") == ModuleState::unloaded);
}

}  // namespace

TEST_CASE("a module whose code still runs elsewhere is not unloaded, except by force",
          "[plugins]") {
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
    CHECK(refused.find("sticky.cpp:21 for the end of 3600 s") != std::string::npos);
    CHECK(forced == "");
    CHECK(world.log() == "");
}

TEST_CASE(
    "an error names what cannot be closed, and the code stays in memory even if unloading is "
    "forced",
    "[plugins]") {
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
    co_await wait_for_startup(server, "hello");
    co_await sleep(seconds(3));
    Json bob{{"name", "Bob"}, {"times", 2}};
    told.push_back(co_await ask("hello", "greet", std::move(bob)));
    Json too_often{{"times", 11}};
    told.push_back(co_await ask("hello", "greet", std::move(too_often)));
    Task<std::string> counting = ask("hello", "seconds", {});
    told.push_back(co_await counting);
}

}  // namespace

TEST_CASE("the module hello has a setting, a function and a routine", "[plugins]") {
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
    co_await wait_for_startup(server, "manager");
    Json consumer{{"module", "consumer"}};
    told.push_back(co_await ask("manager", "load", consumer));
    Json nobody{{"module", "nobody"}};
    told.push_back(co_await ask("manager", "load", std::move(nobody)));
    folder.put("producer", "version2");
    co_await sleep(seconds(3));
    co_await tell_version(server, told);
    told.push_back(co_await ask("manager", "unload", std::move(consumer)));
    const ApiResult<Json> modules = co_await call("manager", "modules");
    for (const Json& module : modules.value()) {
        told.push_back(module["name"].get<std::string>() + " " +
                       module["state"].get<std::string>());
    }
}

Task<> inspect(Server& server, Texts& told) {
    co_await wait_for_startup(server, "consumer");
    co_await sleep(seconds(2));
    const ApiResult<Json> result = co_await call("manager", "inspect");
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

TEST_CASE("the manager lists modules, and the module that each routine belongs to", "[plugins]") {
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

TEST_CASE("the manager lists, loads and unloads modules, and reloads those that have changed",
          "[plugins]") {
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

TEST_CASE("plugins: what is in memory is not opened again for a check, unless its file changes") {
    const PluginFolder folder;
    folder.put("producer", "version1");
    config::Problems problems;
    CheckedApp app(SimulatedServer::read(folder.configuration({"producer"})), {}, problems);
    REQUIRE(problems.empty());
    ModuleFinder& finder = app.finder();
    const FoundModule found = finder.open("producer");
    CHECK(finder.open("producer").library != found.library);
    finder.lend({found});
    CHECK(finder.open("producer").library == found.library);
    CHECK(finder.has_lent(finder.open("producer")));
    folder.put("producer", "version2");
    CHECK(finder.open("producer").library != found.library);
    CHECK_FALSE(finder.has_lent(finder.open("producer")));
}

namespace {

Task<> unload_after_change(Server& server, config::Configuration configuration, Texts& told) {
    co_await wait_for_startup(server, "consumer");
    server.reconfigure(std::move(configuration));
    co_await server.loader().unload("consumer");
    co_await server.loader().unload("producer");
    told.emplace_back(to_string(server.loader().state("producer")));
}

}  // namespace

TEST_CASE("plugins: a check of a running app keeps no library in memory") {
    const PluginFolder folder;
    folder.put("producer", "version1");
    folder.put("consumer", "version1");
    const std::string app = folder.configuration({"producer", "consumer"});
    SimulatedServer world(app);
    Texts told;
    world.run(unload_after_change(world.server(), SimulatedServer::read(app), told));
    CHECK(told == Texts{"unloaded"});
    CHECK(world.log() == "");
}

}  // namespace weir
