#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/pool.h"
#include "core/simulation/simulation.h"
#include "modules/system/server/server.h"
#include "modules/testing/run_trace.h"

namespace weir {

// A server in a world of virtual time, for tests of modules:
//
//     weir::SimulatedServer world(R"({"server": {"startup": ["hello"]}})", registry);
//     world.run(ask());   // a Task<>
//     CHECK(world.log() == "");
//
// Plugins are looked for where WEIR_PLUGIN_PATH says, folders separated by ':', which weir_plugin
// sets for tests; the configuration's `server.plugin_path` wins.
//
// When it goes, the test fails if anything of the modules lives on, with a list that says what and
// where. What the test itself keeps of the server is declared after this, so that it goes before.
class SimulatedServer {
public:
    // Throws std::invalid_argument with all problems of the configuration, if it has some.
    explicit SimulatedServer(std::string_view configuration, Registry registry = {},
                             std::uint64_t seed = 1,
                             std::string_view plugin_path = default_plugin_path())
        : SimulatedServer(read(configuration, plugin_path), std::move(registry), seed) {}
    ~SimulatedServer();
    SimulatedServer(const SimulatedServer&) = delete;
    SimulatedServer& operator=(const SimulatedServer&) = delete;

    // Where failures of the world are injected: polls, late posts, chance.
    Simulation& simulation() noexcept { return simulation_; }
    Server& server() noexcept { return *server_; }
    Scheduler& scheduler() noexcept { return server_->scheduler(); }
    Loader& loader() noexcept { return server_->loader(); }
    // Warnings and errors that were logged so far, one line each.
    const std::string& log() const noexcept { return log_; }

    // Loads the modules of `server.startup` and runs the task, as a routine, until only daemons are
    // left or nothing can happen any more; then unloads all modules, without force first. The test
    // fails if the task has not ended. A round of the scheduler that ends because there is no
    // memory is logged as an error, and the next one begins.
    void run(Task<> task);

    // Ends the server, and fails the test if anything lives on: routines, timers, handlers, queues,
    // events, calls, what modules said to be in use, plugins in memory, memory of the pool. The
    // destructor does it. Nothing else may be called afterwards, but log() and trace().
    void finish();
    // The test leaves something behind on purpose: nothing is looked for, modules go by force.
    void leave_behind() noexcept { strict_ = false; }

    // From now on all that happens goes into trace(). The scheduler must have no tracer.
    void keep_trace() noexcept { scheduler().set_tracer(&trace_); }
    // Of all that has happened since keep_trace(); equal in equal runs.
    std::uint64_t trace() const noexcept { return trace_.hash(); }

    // What WEIR_PLUGIN_PATH says where this is called: in a test program.
    [[gnu::always_inline]] static inline std::string_view default_plugin_path() noexcept {
#ifdef WEIR_PLUGIN_PATH
        return WEIR_PLUGIN_PATH;
#else
        return {};
#endif
    }
    // A configuration as the constructor reads it.
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
    pool::Bypass pool_;  // what fails, and what leaks, is not to depend on what was freed before
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
