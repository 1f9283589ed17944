#include "apps/weir/run_command.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <uv.h>

#include "apps/weir/early_signals.h"
#include "apps/weir/exit_code.h"
#include "apps/weir/first_process.h"
#include "apps/weir/late_signals.h"
#include "apps/weir/output.h"
#include "core/program/quit_on_signals.h"
#include "core/program/supervisor.h"
#include "core/program/watchdog.h"
#include "core/run/event_handler.h"
#include "core/run/timer.h"
#include "core/run/uv_poller.h"
#include "modules/system/server/loader.h"
#include "modules/system/server/server.h"
#include "modules/system/server/wait_report.h"

namespace weir::app {

namespace {

void report(const config::Problems& problems) {
    std::fputs(problems.text().c_str(), stderr);
}

// Calls a function for each signal of a number until it is destroyed.
class OnSignal {
public:
    OnSignal(uv_loop_t& loop, int number, std::function<void()> function)
        : function_(std::move(function)) {
        uv_signal_init(&loop, handle_);
        handle_->data = this;
        uv_signal_start(
            handle_,
            [](uv_signal_t* handle, int) { static_cast<OnSignal*>(handle->data)->function_(); },
            number);
        uv_unref(reinterpret_cast<uv_handle_t*>(handle_));
    }
    ~OnSignal() {
        uv_close(reinterpret_cast<uv_handle_t*>(handle_),
                 [](uv_handle_t* handle) { delete reinterpret_cast<uv_signal_t*>(handle); });
    }
    OnSignal(const OnSignal&) = delete;
    OnSignal& operator=(const OnSignal&) = delete;

private:
    std::function<void()> function_;
    uv_signal_t* handle_ = new uv_signal_t;  // freed when the loop has closed it
};

// The modules that run, or what of `server.startup` does not.
std::string status_of(Server& server) {
    if (!server.startup_failure().empty()) {
        return server.startup_failure();
    }
    std::string names;
    for (const ModuleInfo& module : server.loader().modules()) {
        if (module.state == ModuleState::succeeded) {
            names += (names.empty() ? "runs " : ", ") + module.name;
        }
    }
    return names.empty() ? "runs no module" : names;
}

void tell_ready(Server& server, const Supervisor& supervisor) {
    if (!supervisor.ready(status_of(server))) {
        server.scheduler().log(LogLevel::warning,
                               "the supervisor does not learn that the server runs: its socket, "
                               "$NOTIFY_SOCKET, takes no message");
    }
}

void tell_stage(Server& server, ServerStage stage, const Supervisor& supervisor) {
    switch (stage) {
        case ServerStage::starting:
        case ServerStage::changing:  // read_again() has told it
            break;
        case ServerStage::running:
            tell_ready(server, supervisor);
            break;
        case ServerStage::stopping:
            supervisor.stopping("unloads the modules");
            break;
    }
}

WatchdogOptions watchdog_options(const Server& server, const Supervisor& supervisor) {
    WatchdogOptions options;
    if (const auto limit = server.settings().stuck_after) {
        options.limit = *limit;
        options.report = [&server](const std::string& text) {
            server.log_from_any_thread(LogLevel::warning, text);
        };
    }
    if (supervisor.watchdog()) {
        options.alive_every = *supervisor.watchdog() / 2;  // as systemd recommends
        options.alive = [&supervisor] { supervisor.alive(); };
    }
    return options;
}

void read_again(Server& server, const AppFiles& app, const Supervisor& supervisor) {
    supervisor.reloading("reads the configuration again");
    server.reopen_log();
    const auto log = [&](LogLevel level, std::string_view text) {
        server.scheduler().log(level, text);
    };
    config::Problems problems;
    config::Configuration configuration = load_configuration(app, problems);
    std::string why = problems.text();
    if (problems.empty()) {
        try {
            server.reconfigure(std::move(configuration));
            log(LogLevel::info, "the configuration has been read again");
            return;
        } catch (const std::exception& error) {
            why = error.what();
        }
    }
    log(LogLevel::error, "the old configuration stays, because the new one has mistakes:\n" + why);
    if (server.stage() == ServerStage::running) {
        tell_ready(server, supervisor);
    }
}

// Whatever level the log has: an operator has asked for it.
void log_waits(Server& server) {
    const WaitReportOptions options{.module_of = [&server](const Routine& routine) {
        return server.loader().module_of(routine);
    }};
    for (const std::string& text : wait_report(server.scheduler(), options)) {
        server.scheduler().log(LogLevel::warning, "SIGUSR1: " + text);
    }
}

int run_server(const AppFiles& app, CheckedApp checked, const Supervisor& supervisor) {
    UvPoller poller;
    Server server(poller, std::move(checked));
    const LateSignals late_signals;
    const QuitOnSignals quit_on_signals(poller, server.scheduler());
    // Reading holds everything up: signals that come together, or while it reads, are one.
    EventHandler reading(server.scheduler());
    Timer soon;
    const OnSignal on_hangup(poller.loop(), SIGHUP, [&] {
        if (reading.functions().empty()) {
            soon = server.scheduler().set_timer(Duration());
            reading.handle(soon.matcher(), [&](const Ref<Event>&) {
                reading.stop_all();
                read_again(server, app, supervisor);
            });
        }
    });
    const OnSignal on_user(poller.loop(), SIGUSR1, [&] { log_waits(server); });
    server.watch_stage([&](ServerStage stage) { tell_stage(server, stage, supervisor); });
    std::optional<Watchdog> watchdog;
    if (server.settings().stuck_after || supervisor.watchdog()) {
        watchdog.emplace(poller, server.scheduler(), watchdog_options(server, supervisor));
    }
    weir_release_early_signals();
    supervisor.status("loads the modules");
    server.run();
    const int code = server.startup_failure().empty() ? success : failure;
    if (code != success) {
        server.scheduler().log(LogLevel::error, server.startup_failure());
    }
    if (!server.flush_log()) {
        std::_Exit(code);  // a write of the log hangs; cleaning up could wait for it
    }
    return code;
}

}  // namespace

int check_app(const AppFiles& app) {
    config::Problems problems;
    config::Configuration configuration = load_configuration(app, problems);
    const CheckedApp checked(std::move(configuration), {}, problems);
    for (const config::Problem& warning : checked.warnings()) {
        std::fputs(("warning: " + config::to_text(warning) + "\n").c_str(), stderr);
    }
    if (problems.empty()) {
        print("no mistakes found\n");
        return success;
    }
    report(problems);
    return wrong_usage;
}

int run_app(const AppFiles& app) {
    const Supervisor supervisor = Supervisor::of_environment();  // which names this process
    split_first_process();
    config::Problems problems;
    config::Configuration configuration = load_configuration(app, problems);
    CheckedApp checked(std::move(configuration), {}, problems);
    if (!problems.empty()) {
        report(problems);
        return wrong_usage;
    }
    try {
        return run_server(app, std::move(checked), supervisor);
    } catch (const std::invalid_argument& error) {
        std::fputs(error.what(), stderr);
        return failure;
    }
}

}  // namespace weir::app
