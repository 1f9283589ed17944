#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/pool.h"
#include "core/simulation/simulation.h"
#include "modules/system/server/loader.h"
#include "modules/system/server/server.h"
#include "modules/testing/run_trace.h"

namespace weir {

/// A server in virtual time, for tests of modules:
///
///     weir::SimulatedServer world(R"({"server": {"startup": ["hello"]}})", registry);
///     world.run(ask());   // a Task<>
///     CHECK(world.log() == "");
///
/// Plugins are loaded from WEIR_PLUGIN_PATH, folders separated by ':', which weir_plugin() defines
/// for tests. The configuration's `server.plugin_path` overrides it.
///
/// Leaks fail the test: when the SimulatedServer is destroyed, it lists everything of the modules
/// that still lives, with its place in the code. Objects of the test that refer to the server must
/// be declared after it, so that they are destroyed first.
class SimulatedServer {
public:
    /// Throws std::invalid_argument with all problems of the configuration, if it has any.
    explicit SimulatedServer(std::string_view configuration, Registry registry = {},
                             std::uint64_t seed = 1,
                             std::string_view plugin_path = default_plugin_path())
        : SimulatedServer(read(configuration, plugin_path), std::move(registry), seed) {}
    ~SimulatedServer();
    SimulatedServer(const SimulatedServer&) = delete;
    SimulatedServer& operator=(const SimulatedServer&) = delete;

    /// The place to inject failures: polls, late posts, failpoints.
    Simulation& simulation() noexcept { return simulation_; }
    Server& server() noexcept { return *server_; }
    Scheduler& scheduler() noexcept { return server_->scheduler(); }
    Loader& loader() noexcept { return server_->loader(); }
    /// Returns the warnings and errors logged so far, one line each.
    const std::string& log() const noexcept { return log_; }

    /// Loads the modules of `server.startup` and runs the task as a routine until only daemons are
    /// left or nothing can happen any more. Then unloads all modules, at first without force. The
    /// test fails if the task has not ended. If memory runs out in a round of the scheduler, logs
    /// an error and continues with the next round.
    void run(Task<> task);

    /// Ends the server. Fails the test if anything still lives: routines, timers, handlers, queues,
    /// events, calls, holds of modules, plugins in memory, memory of the pool. The destructor calls
    /// it. Afterwards only log() and trace() may be called.
    void finish();
    /// Allows the test to leave things behind: nothing is checked, and modules are unloaded by
    /// force.
    void leave_behind() noexcept { strict_ = false; }

    /// Records all further events in trace(). Requires that the scheduler has no tracer.
    void keep_trace() noexcept { scheduler().set_tracer(&trace_); }
    /// Returns the hash of what happened since keep_trace(); equal in equal runs.
    std::uint64_t trace() const noexcept { return trace_.hash(); }

    /// Returns the caller's WEIR_PLUGIN_PATH: inlined into a test program.
    [[gnu::always_inline]] static inline std::string_view default_plugin_path() noexcept {
#ifdef WEIR_PLUGIN_PATH
        return WEIR_PLUGIN_PATH;
#else
        return {};
#endif
    }
    /// Reads a configuration like the constructor.
    static config::Configuration read(std::string_view text) {
        return read(text, default_plugin_path());
    }

private:
    SimulatedServer(config::Configuration configuration, Registry registry, std::uint64_t seed);

    static config::Configuration read(std::string_view text, std::string_view plugin_path);
    void go();
    void stop();
    Task<> unload_modules();
    void find_living();
    void find_left_over();
    void report();

    std::string log_;
    const std::vector<std::string> plugins_before_;
    pool::Bypass pool_;  // failures and leaks must not depend on earlier frees
    Simulation simulation_;
    RunTrace trace_;
    std::unique_ptr<Server> server_;
    std::vector<std::string> queues_before_;
    std::vector<std::string> living_;  // found so far
    bool running_ = false;
    bool strict_ = true;
    bool finished_ = false;
};

}  // namespace weir
