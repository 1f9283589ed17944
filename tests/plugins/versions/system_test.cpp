#include <cerrno>
#include <string>

#include <catch2/catch.hpp>
#include <sys/wait.h>

#include "core/run/uv_poller.h"
#include "core/wait/timeout.h"
#include "modules/system/server/server.h"
#include "tests/plugins/versions/plugin_folder.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using namespace test;

config::Configuration configuration_of(const PluginFolder& folder) {
    config::Problems problems;
    config::Sources sources;
    sources.files = {{"app.json", folder.configuration({})}};
    config::Configuration configuration = config::Configuration::load(sources, problems);
    REQUIRE(problems.empty());
    return configuration;
}

struct RealServer {
    explicit RealServer(const PluginFolder& folder)
        : server(poller, configuration_of(folder), {.log = [this](const LogRecord& record) {
                     log.append(record.text).append("\n");
                 }}) {}

    std::string log;
    UvPoller poller;
    Server server;
};

// Loads and unloads the module, and then tries again for as long as it is refused.
Task<> load_and_unload(Server& server, std::string& refused) {
    Loader& loader = server.loader();
    co_await loader.load("system");
    co_await sleep(20ms);  // all its routines wait
    std::string what;
    do {
        Task<> unloading = tell(loader.unload("system"), what);
        co_await unloading;
        if (refused.empty()) {
            refused = what;
        }
        co_await sleep(1ms);
    } while (!what.empty());
    CHECK(loader.state("system") == ModuleState::unloaded);
    server.scheduler().quit();
}

std::string refusal(const std::string& version) {
    const PluginFolder folder;
    folder.put("system", version);
    RealServer world(folder);
    std::string refused;
    Container container(world.server.scheduler());
    container.start(load_and_unload(world.server, refused));
    world.server.run();
    CHECK(world.log.find("stays in memory") == std::string::npos);
    return refused;
}

}  // namespace

TEST_CASE(
    "plugins: a module with a process, watches and file operations unloads, and none is left") {
    CHECK(refusal("plain") == "");
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK(errno == ECHILD);
}

TEST_CASE("plugins: a module whose handle is in the loop is not unloaded until it is closed") {
    CHECK(refusal("handle") ==
          "the module 'system' is not unloaded, there still is: a handle of libuv: timer");
}

}  // namespace weir
