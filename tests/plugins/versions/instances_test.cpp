// Tests several modules that are made of one plugin.
#include <fstream>
#include <set>
#include <string_view>

#include <catch2/catch.hpp>

#include "core/wait/timeout.h"
#include "modules/system/call/json.h"
#include "modules/system/module/abi.h"
#include "tests/plugins/versions/plugin_folder.h"

namespace weir {

namespace {

using namespace test;
using std::chrono::seconds;

// Returns how many copies of the library are in memory. Under a sanitizer they stay.
std::size_t copies_of(const std::string& library) {
    std::set<std::string> files;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        const std::size_t name = line.find('/');
        if (name != std::string::npos && line.find("/weir-") != std::string::npos &&
            line.find(library) != std::string::npos) {
            files.insert(line.substr(name));
        }
    }
    return files.size();
}

void check_copies(std::size_t count) {
    if (std::string_view(own_abi.sanitizer) == "none") {
        CHECK(copies_of("counter.so") == count);
    }
}

Task<> count(Texts& told, std::string module) {
    Task<std::string> adding = ask(module, "add", {});
    co_await adding;
    Task<std::string> asking = ask(std::move(module), "count", {});
    told.push_back(co_await asking);
}

Task<> reload(Server& server, Texts names) {
    std::string what;
    co_await tell(server.loader().reload(std::move(names)), what);
    CHECK(what == "");
    co_await sleep(seconds(10));  // until the old versions have left
}

Task<> change_instances(Server& server, const PluginFolder& folder, Texts& told) {
    co_await wait_for_startup(server, "left");
    co_await wait_for_startup(server, "right");
    check_copies(1);
    co_await count(told, "left");
    co_await count(told, "left");
    co_await count(told, "right");
    std::string what;
    co_await tell(server.loader().unload("left"), what);
    CHECK(what == "");
    co_await count(told, "right");
    co_await tell(server.loader().load("left"), what);
    CHECK(what == "");
    check_copies(1);
    co_await count(told, "left");
    folder.put("counter", "second");
    Texts left{"left"};
    co_await reload(server, left);
    co_await count(told, "left");
    co_await count(told, "right");
    check_copies(2);
    Texts both = server.loader().modules_of_plugin("counter");
    co_await reload(server, both);
    co_await count(told, "left");
    co_await count(told, "right");
    check_copies(1);
    folder.put("counter", "broken");
    Texts names{"left", "right"};
    co_await tell(server.loader().reload(std::move(names)), what);
    CHECK(what == "the module 'left' failed: this version is broken; the old version runs on");
    check_copies(1);
    co_await count(told, "right");
}

}  // namespace

TEST_CASE("modules of one plugin share its library, and are reloaded one by one or together",
          "[plugins]") {
    const PluginFolder folder;
    folder.put("counter", "first");
    const Json plugin{{"plugin", "counter"}};
    Texts told;
    {
        SimulatedServer world(
            folder.configuration({"left", "right"}, {{"left", plugin}, {"right", plugin}}));
        world.run(change_instances(world.server(), folder, told));
        CHECK(world.log() ==
              "error: reloading left, right: the module 'left' failed: this version is broken; the "
              "old version runs on\n");
    }
    CHECK(told == Texts{R"("1 first")", R"("2 first")", R"("1 first")", R"("2 first")",
                        R"("1 first")", R"("2 second")", R"("3 first")", R"("3 second")",
                        R"("4 second")", R"("5 second")"});
    check_copies(0);
}

}  // namespace weir
