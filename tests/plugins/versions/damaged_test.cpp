// Files of plugins that are damaged, half written, or end the process that opens them: a server
// that is asked to load or reload them works on.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include <catch2/catch.hpp>

#include "core/wait/timeout.h"
#include "modules/system/call/json.h"
#include "modules/system/module/abi.h"
#include "tests/plugins/versions/plugin_folder.h"

namespace weir {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace test;

std::string contents_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write(const std::string& path, const std::string& contents) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << contents;
}

std::string test_plugin(const std::string& name, const std::string& version) {
    return contents_of(WEIR_TEST_PLUGINS "/" + version + "/" + name + ".so");
}

// A plugin as `strip` leaves it, or a tool that does not know the seal.
std::string without_seal(std::string plugin) {
    plugin.resize(plugin.rfind("\n!weir-seal"));
    return plugin;
}

// The folder for private copies, as long as this lives.
class CopyFolder {
public:
    CopyFolder() { setenv("TMPDIR", folder_.path().c_str(), 1); }
    CopyFolder(const CopyFolder&) = delete;
    CopyFolder& operator=(const CopyFolder&) = delete;
    ~CopyFolder() { unsetenv("TMPDIR"); }

    bool empty() const { return std::filesystem::is_empty(folder_.path()); }

private:
    const PluginFolder folder_;
};

// Reloads the counter from each of the files; what the loader says of each, and at last the
// counter.
Task<> reload_with(Server& server, const PluginFolder& folder, Texts files, Texts& told) {
    Task<> starting = wait_for_startup(server, "counter");
    co_await starting;
    for (const std::string& contents : files) {
        write(folder.path() + "/counter.so", contents);
        Texts names{"counter"};
        std::string what;
        Task<> reloading = tell(server.loader().reload(std::move(names)), what);
        co_await reloading;
        told.push_back(what);
    }
    Task<std::string> asking = ask("counter", "count", {});
    told.push_back(co_await asking);
}

// Returns what is reported of each file, after checking what is the same for all.
Texts told_of(Texts files) {
    const CopyFolder copies;
    const PluginFolder folder;
    folder.put("counter", "first");
    SimulatedServer world(folder.configuration({"counter"}));
    Texts told;
    world.run(reload_with(world.server(), folder, std::move(files), told));
    CHECK(told.back() == R"("0 first")");
    told.pop_back();
    CHECK(static_cast<std::size_t>(std::ranges::count(world.log(), '\n')) == told.size());
    CHECK(copies.empty());
    const std::string begin = "nothing is reloaded: ";
    for (const std::string& what : told) {
        CHECK(what.starts_with(begin));
        CHECK(what.find(folder.path() + "/counter.so ") != std::string::npos);
    }
    return told;
}

}  // namespace

TEST_CASE(
    "damaged plugins: a plugin that is cut off anywhere is not loaded, and the server works on") {
    const std::string whole = test_plugin("counter", "second");
    std::mt19937_64 random(1);
    std::vector<std::size_t> lengths{0,
                                     1,
                                     4,
                                     63,
                                     64,
                                     500,
                                     4095,
                                     4096,
                                     8192,
                                     whole.size() - 1,
                                     whole.size() - 30,
                                     whole.size() - 4096};
    for (int i = 0; i != 20; ++i) {
        lengths.push_back(random() % whole.size());
    }
    Texts files;
    for (const std::size_t length : lengths) {
        files.push_back(whole.substr(0, length));
    }
    const Texts told = told_of(std::move(files));
    CHECK(told.front().ends_with("/counter.so is empty"));
}

TEST_CASE("damaged plugins: one with other bytes than were built is not loaded") {
    const std::string whole = test_plugin("counter", "second");
    std::mt19937_64 random(2);
    Texts files;
    for (int i = 0; i != 20; ++i) {
        std::string flipped = whole;
        char& at = flipped[random() % whole.size()];
        at = static_cast<char>(at ^ (1 << random() % 8));
        files.push_back(std::move(flipped));
    }
    for (int i = 0; i != 10; ++i) {
        std::string holed = whole;
        const std::size_t from = random() % (whole.size() - 10'000);
        std::fill_n(holed.begin() + static_cast<std::ptrdiff_t>(from), 10'000, '\0');
        files.push_back(std::move(holed));
    }
    for (const std::size_t part : {8, 4, 2}) {  // the size is right, the end was never written
        std::string unwritten = whole.substr(0, whole.size() / part);
        unwritten.resize(whole.size());
        files.push_back(std::move(unwritten));
    }
    told_of(std::move(files));
}

TEST_CASE("damaged plugins: a file that is too large for a plugin is not copied") {
    const CopyFolder copies;
    const PluginFolder folder;
    folder.put("counter", "first");
    SimulatedServer world(folder.configuration({"counter"}));
    std::string told;
    const auto run = [](Server& server, const PluginFolder& at, std::string& what) -> Task<> {
        Task<> starting = wait_for_startup(server, "counter");
        co_await starting;
        // The header is that of a plugin, and the disk has not so much room.
        std::filesystem::resize_file(at.path() + "/counter.so", std::uintmax_t{1} << 40);
        Texts names{"counter"};
        Task<> reloading = tell(server.loader().reload(std::move(names)), what);
        co_await reloading;
    };
    world.run(run(world.server(), folder, told));
    CHECK(told.ends_with("/counter.so has 1099511627776 bytes: no plugin is larger than 1 GiB"));
    CHECK(copies.empty());
}

TEST_CASE("damaged plugins: without a seal, a plugin that is cut off is not loaded either") {
    const std::string whole = without_seal(test_plugin("counter", "second"));
    std::mt19937_64 random(3);
    Texts files;
    for (int i = 0; i != 20; ++i) {
        files.push_back(whole.substr(0, random() % whole.size()));
    }
    told_of(std::move(files));
}

namespace {

Task<> load(Loader& loader, std::string name, std::string& what) {
    Task<> loading = tell(loader.load(std::move(name)), what);
    co_await loading;
}

std::string told_of_killer(const std::string& version) {
    const CopyFolder copies;
    const PluginFolder folder;
    write(folder.path() + "/killer.so", without_seal(test_plugin("killer", version)));
    SimulatedServer world(folder.configuration({}));
    std::string what;
    world.run(load(world.loader(), "killer", what));
    CHECK(copies.empty());
    const std::string begin = "the module 'killer' failed: " + folder.path() + "/killer.so ";
    CHECK(what.starts_with(begin));
    return what.substr(std::min(begin.size(), what.size()));
}

}  // namespace

TEST_CASE(
    "damaged plugins: a plugin that ends the process that opens it is tried in another process") {
    if (std::string_view(own_abi.sanitizer) != "none") {
        return;  // which has handlers of its own for signals
    }
    const std::string tried = "is damaged or cannot work: a process that opened it ";
    CHECK(told_of_killer("crashes") == tried + "was ended by SIGSEGV");
    CHECK(told_of_killer("throws") == tried + "was ended by SIGABRT");
    CHECK(told_of_killer("exits") == tried + "ended itself with status 0");
    CHECK(told_of_killer("undescribed") == "cannot describe its module: there is nothing to say");
}

TEST_CASE("damaged plugins: a plugin without a seal that is in order is loaded") {
    const PluginFolder folder;
    write(folder.path() + "/counter.so", without_seal(test_plugin("counter", "first")));
    SimulatedServer world(folder.configuration({}));
    std::string what;
    world.run(load(world.loader(), "counter", what));
    CHECK(what == "");
    CHECK(world.log() == "");
}

namespace {

// Writes a new version of the producer bit by bit, under a manager that watches the file.
Task<> write_slowly(Server& server, const PluginFolder& folder, Texts& told) {
    Task<> starting = wait_for_startup(server, "manager");
    co_await starting;
    const std::string path = folder.path() + "/counter.so";
    const std::string whole = test_plugin("counter", "second");
    for (const std::size_t part : {16, 8, 4, 2, 1}) {
        write(path, whole.substr(0, whole.size() / part));
        co_await sleep(milliseconds(900));
        Task<std::string> asking = ask("counter", "count", {});
        told.push_back(co_await asking);
    }
    co_await sleep(seconds(2));
    Task<std::string> asking = ask("counter", "count", {});
    told.push_back(co_await asking);
    write(path, whole.substr(0, whole.size() / 2));
    co_await sleep(seconds(60));
    Task<std::string> again = ask("counter", "count", {});
    told.push_back(co_await again);
}

}  // namespace

TEST_CASE("damaged plugins: the manager waits until a file is written to its end") {
    const PluginFolder folder;
    folder.put_installed("manager");
    folder.put("counter", "first");
    const Json manager{{"auto_reload", true}, {"check_interval", "100ms"}};
    SimulatedServer world(folder.configuration({"counter", "manager"}, {{"manager", manager}}));
    Texts told;
    world.run(write_slowly(world.server(), folder, told));
    CHECK(told == Texts{R"("0 first")", R"("0 first")", R"("0 first")", R"("0 first")",
                        R"("0 first")", R"("0 second")", R"("0 second")"});
    // One line: it is not tried again before it changes.
    CHECK(std::ranges::count(world.log(), '\n') == 1);
    CHECK(
        world.log().starts_with("error: reloading counter: nothing is reloaded: " + folder.path() +
                                "/counter.so is damaged or not yet written to its end: "));
}

}  // namespace weir
