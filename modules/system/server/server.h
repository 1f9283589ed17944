#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "config/settings/catalogue.h"
#include "config/settings/configuration.h"
#include "core/run/poller.h"
#include "core/run/scheduler.h"
#include "modules/system/log/writer.h"
#include "modules/system/server/loader.h"
#include "modules/system/server/server_settings.h"

namespace weir {

struct ServerOptions {
    // Modules that are linked into the program.
    Registry registry = {};
    // Takes what is logged instead of a LogWriter, from the levels on that the configuration has.
    LogSink log = {};
};

// A scheduler with the standard queues and a loader of modules, made from a configuration.
//
// All on the thread that makes it, but for the log, which is written by another: see LogWriter.
// Runs on whatever poller it is given: UvPoller, or a Simulation in tests.
class Server {
public:
    // Requires that the configuration has no problems; see check(). Throws std::invalid_argument
    // with all of them otherwise, also if the file of the log cannot be opened. The poller must
    // outlive the server.
    Server(Poller& poller, config::Configuration configuration, ServerOptions options = {});
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    Scheduler& scheduler() noexcept { return scheduler_; }
    Loader& loader() noexcept { return *loader_; }
    const ServerSettings& settings() const noexcept { return settings_; }
    const config::Configuration& configuration() const noexcept { return configuration_; }

    // Loads the modules of `server.startup` and runs until the scheduler ends; then unloads all
    // modules. As long as a module has functions of its own, the scheduler ends only when it is
    // told to quit, or nothing can happen any more.
    void run();
    // Returns whether modules with functions keep the scheduler running: while run() runs it.
    bool functions_keep_it_up() const noexcept { return functions_keep_it_up_; }

    // The two halves of run(), for whoever runs the scheduler otherwise: each starts a routine.
    void start_modules();
    void stop_modules();

    // What of `server.startup` could not be loaded and why; "" if nothing failed.
    const std::string& startup_failure() const noexcept { return startup_failure_; }

    // Takes another configuration: settings of modules that may change while they run do, modules
    // that are new in `server.startup` load, and those that have gone from it unload, with those
    // that depend on them, unless something holds them in use. What must stay, or fails, is logged.
    // Throws std::invalid_argument with all its problems, and keeps the old one, if it has some.
    void reconfigure(config::Configuration configuration);

    // Reports all that is wrong with a configuration, as far as it can be known without starting:
    // also unknown modules, dependency cycles, unknown event types. Opens the plugins.
    static void check(const config::Configuration& configuration, const Registry& registry,
                      config::Problems& problems);

    // --- the log

    // Opens the file of the log anew for what is logged from now on.
    void reopen_log();
    // Waits until what was logged is written, LogWriter::flush_limit at most; whether it is.
    bool flush_log();
    // How many lines of the log were lost.
    std::uint64_t dropped_log_lines() const noexcept;

    // --- for the loader

    // Makes those queues of `server.queues` whose events the module brings.
    void add_queues_for(const ModuleClass& type);

private:
    SchedulerOptions scheduler_options();
    void log(LogRecord record) const;
    Task<> start_up();
    Task<> change_startup(std::vector<std::string> before);
    Task<> shut_down();
    void add_queues(const std::vector<const EventType*>& types);

    config::Configuration configuration_;
    ServerSettings settings_;
    Registry registry_;
    std::unique_ptr<LogWriter> log_writer_;  // null: another sink was given
    LogSink log_;
    Scheduler scheduler_;
    std::set<const QueueSettings*> made_queues_;
    std::unique_ptr<Loader> loader_;
    std::string startup_failure_;
    bool functions_keep_it_up_ = false;
};

// The event types that are there without any module.
const std::vector<const EventType*>& standard_event_types();

}  // namespace weir
