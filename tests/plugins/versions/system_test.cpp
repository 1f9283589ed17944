#include <cerrno>
#include <string>
#include <utility>

#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <uv.h>

#include "core/run/uv_loop.h"
#include "core/run/uv_poller.h"
#include "core/wait/timeout.h"
#include "modules/system/call/json.h"
#include "modules/system/server/server.h"
#include "tests/plugins/versions/plugin_folder.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using namespace test;

config::Configuration configuration_of(const PluginFolder& folder) {
    Json settings{{"default", {{"unload_timeout", "50ms"}}}};  // what is refused, is refused soon
    config::Sources sources;
    sources.files.push_back({"app.json", folder.configuration({}, std::move(settings))});
    config::Problems problems;
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

// Closes the timer that the module has left in the loop, as its owner would.
void close_timer_of_the_module(uv_loop_t& loop) {
    uv_walk(
        &loop,
        [](uv_handle_t* handle, void*) {
            auto* const timer = reinterpret_cast<uv_timer_t*>(handle);
            if (handle->type == UV_TIMER && uv_timer_get_due_in(timer) > 1'000'000) {
                uv_close(handle,
                         [](uv_handle_t* closed) { delete reinterpret_cast<uv_timer_t*>(closed); });
            }
        },
        nullptr);
}

// Loads and unloads the module. If that is refused, closes its timer and tries again.
Task<> load_and_unload(Server& server, std::string& refused) {
    Loader& loader = server.loader();
    co_await loader.load("system");
    co_await sleep(20ms);  // all its routines wait
    Task<> unloading = tell(loader.unload("system"), refused);
    co_await unloading;
    if (!refused.empty()) {
        close_timer_of_the_module(loop_of(server.scheduler()));
        std::string what;
        Task<> again = tell(loader.unload("system"), what);
        co_await again;
        CHECK(what == "");
    }
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
