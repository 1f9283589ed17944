#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/settings/configuration.h"
#include "core/run/event_handler.h"
#include "core/run/poller.h"
#include "core/run/scheduler.h"
#include "core/run/span_buffer.h"
#include "modules/system/rights/access.h"
#include "modules/system/server/checked_app.h"
#include "modules/system/server/configured_queues.h"
#include "modules/system/server/known_events.h"
#include "modules/system/server/module_table.h"
#include "modules/system/server/server_settings.h"

namespace weir {

class EventExchange;
class Loader;
class LogWriter;

struct ServerOptions {
    // Modules that are linked into the program, of a server that checks its configuration itself.
    Registry registry = {};
    // Receives what is logged instead of a LogWriter, from the levels on that the configuration
    // has.
    LogSink log = {};
};

// What a server is doing.
enum class ServerStage {
    starting,  // it loads the modules of `server.startup`
    running,   // these are loaded, or have failed while others go on
    changing,  // it takes another configuration
    stopping,  // it was told to quit, or has nothing left to do
};

// A scheduler with the standard queues and a loader of modules, made from a configuration.
//
// All on the thread that makes it, but for the log, which another thread writes: see LogWriter.
// Runs on any poller: UvPoller, or a Simulation in tests.
class Server {
public:
    // Requires that the app is sound(). Throws std::invalid_argument if the file of
    // the log cannot be opened. The poller must outlive the server.
    Server(Poller& poller, CheckedApp app, LogSink log = {});
    // Checks the configuration, and throws std::invalid_argument with all problems if it has some.
    Server(Poller& poller, config::Configuration configuration, ServerOptions options = {});
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    Scheduler& scheduler() noexcept { return scheduler_; }
    Loader& loader() noexcept { return *loader_; }
    // Where events enter and leave as data.
    EventExchange& events() noexcept { return *events_; }
    // Who may log in and what callers may do: `server.users` and `server.roles`.
    Access& access() noexcept { return access_; }
    // Where spans of distributed traces wait for a module that sends them to a collector.
    const Ref<SpanBuffer>& spans() const noexcept { return spans_; }
    const ServerSettings& settings() const noexcept { return app_.settings(); }
    const config::Configuration& configuration() const noexcept { return app_.configuration(); }

    // Loads the modules of `server.startup` and runs until the scheduler ends; then unloads all
    // modules. Routines that have not ended `server.quit_timeout` after quit() are closed. As long
    // as a module has functions of its own, the scheduler ends only after quit(), or when nothing
    // can happen any more.
    void run();

    // The two halves of run(), for programs that run the scheduler otherwise: each starts a
    // routine.
    void start_modules();
    void stop_modules();

    // Calls the function when the stage changes: for a program that tells its supervisor.
    void watch_stage(std::function<void(ServerStage)> function) {
        stage_watch_ = std::move(function);
    }
    ServerStage stage() const noexcept { return stage_; }

    // What could not be loaded of `server.startup`, and why; "" if nothing failed.
    const std::string& startup_failure() const noexcept { return startup_failure_; }

    // Takes another configuration: settings of modules that may change while they run do, modules
    // that are new in `server.startup` load, and those that it no longer lists unload, with those
    // that depend on them, unless something holds them in use. What must stay, or fails, is logged.
    // Throws std::invalid_argument with all its problems, and keeps the old one, if it has some.
    void reconfigure(config::Configuration configuration);

    // --- the log

    // Opens the file of the log anew for what is logged from now on.
    void reopen_log();
    // Waits until what was logged is written, LogWriter::flush_limit at most; whether it is.
    bool flush_log();
    // Logs from any thread. Requires that the server has a LogWriter.
    void log_from_any_thread(LogLevel level, std::string_view text) const noexcept;
    // How many lines of the log were lost.
    std::uint64_t dropped_log_lines() const noexcept;

private:
    SchedulerOptions scheduler_options();
    void log(LogRecord record) const;
    Task<> start_up();
    Task<> tell_running();
    Task<> change_startup(std::vector<std::string> before);
    void set_stage(ServerStage stage);
    void changed();
    Task<> shut_down();
    void keep_for_functions();
    Task<> limit_quitting();
    void log_warnings();

    CheckedApp app_;
    ModuleTable modules_;                    // before the scheduler, which it outlives
    std::unique_ptr<LogWriter> log_writer_;  // null: another sink was given
    LogSink log_;
    Scheduler scheduler_;
    EventHandler keeper_;  // keeps the scheduler running while it is no daemon
    Access access_;
    const Ref<SpanBuffer> spans_{new SpanBuffer};
    ConfiguredQueues queues_;
    KnownEvents known_events_;
    std::unique_ptr<EventExchange> events_;
    std::unique_ptr<Loader> loader_;
    std::string startup_failure_;
    ServerStage stage_ = ServerStage::starting;
    std::function<void(ServerStage)> stage_watch_;
    std::size_t changes_ = 0;  // that are under way: the startup, other configurations
};

}  // namespace weir
