#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/run/uv_poller.h"
#include "modules/system/server/loader.h"
#include "modules/system/server/server.h"
#include "modules/testing/simulated_server.h"

namespace weir {

/// A server in real time on a loop of libuv, with real sockets, files and processes, for tests of
/// modules that need these:
///
///     weir::LiveServer world(R"({
///         "server": {"startup": ["greeter"]},
///         "module": {"greeter": {"listen": "unix:${WEIR_TEST_FOLDER}/socket"}}
///     })", registry);
///     world.run(ask());  // a Task<>
///     CHECK(world.log() == "");
///
/// Tests that run at the same time do not meet: each has a folder of its own, for Unix sockets and
/// files, and a module that listens at `tcp://127.0.0.1:0` gets a free port. What SimulatedServer
/// can do, do there: it is faster, and its runs repeat.
///
/// Plugins are found as by SimulatedServer. What a module leaves behind fails the test, too.
class LiveServer {
public:
    /// Throws std::invalid_argument with all problems of the configuration, if it has any.
    explicit LiveServer(std::string_view configuration, Registry registry = {},
                        std::string_view plugin_path = SimulatedServer::default_plugin_path());
    ~LiveServer();
    LiveServer(const LiveServer&) = delete;
    LiveServer& operator=(const LiveServer&) = delete;

    UvPoller& poller() noexcept { return poller_; }
    Server& server() noexcept { return *server_; }
    Scheduler& scheduler() noexcept { return server_->scheduler(); }
    Loader& loader() noexcept { return server_->loader(); }
    /// Returns the warnings and errors logged so far, one line each.
    const std::string& log() const noexcept { return log_; }
    /// Returns the test's own folder, ${WEIR_TEST_FOLDER} in the configuration. It is removed at
    /// the end.
    const std::string& folder() const noexcept { return folder_.path; }

    /// Loads the modules of `server.startup`, runs the task as a routine, and unloads all modules.
    /// Fails the test if the task does not end within the limit, or a module leaves anything
    /// behind: routines, timers, handlers, queues, events. To be called once.
    void run(Task<> task, Duration limit = std::chrono::seconds(60));

private:
    struct Folder {
        Folder();
        ~Folder();
        Folder(const Folder&) = delete;
        Folder& operator=(const Folder&) = delete;
        std::string path;
    };

    Task<> run_and_unload(Task<> task, Duration limit);

    const Folder folder_;
    std::string log_;
    UvPoller poller_;
    std::unique_ptr<Server> server_;
    std::vector<std::string> queues_before_;
    std::vector<std::string> living_;
};

}  // namespace weir
