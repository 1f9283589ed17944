#include "modules/system/server/server.h"

#include <algorithm>
#include <cassert>
#include <stdexcept>
#include <utility>

#include "config/settings/changes.h"
#include "config/settings/duration.h"
#include "config/text/nearest_name.h"
#include "core/queue/fair_queue.h"
#include "core/run/system_events.h"
#include "core/run/timer.h"
#include "core/wait/do_events.h"
#include "core/wait/future.h"
#include "core/wait/rate_limiter.h"
#include "core/wait/routine_events.h"
#include "core/wait/timeout.h"
#include "modules/system/event/event_exchange.h"
#include "modules/system/log/writer.h"
#include "modules/system/module/notification.h"
#include "modules/system/server/loader.h"
#include "modules/system/server/log_changes.h"
#include "modules/system/server/wait_report.h"

namespace weir {

namespace {

std::unique_ptr<LogWriter> open_log(const config::Configuration& configuration,
                                    const ServerSettings& settings) {
    try {
        return std::make_unique<LogWriter>(settings.log);
    } catch (const std::exception& error) {
        config::Problems problems;
        configuration.report("server.log.file", error.what(), problems);
        throw std::invalid_argument(problems.text());
    }
}

void add_module_queues(Queue& root, const ServerSettings& settings) {
    const PrioritySettings& priorities = settings.priorities;
    FairQueueOptions calls;
    calls.key = EventKey::named("target");
    calls.preserve_for_new = settings.calls_kept_for_new;
    calls.subqueue_limit = settings.calls_per_module;
    root.add("moduleapi", priorities.module_call, match<ModuleApiCall>().make(),
             {.kind = FairQueue::factory(std::move(calls))});
    root.add("moduleapireply", priorities.module_reply, match<ApiCall>().make());
    FairQueueOptions notifications;
    notifications.key = EventKey::named("target");
    notifications.subqueue_limit = settings.notifications_per_target;
    root.add("modulenotify", priorities.module_notification, match<ModuleNotification>().make(),
             {.kind = FairQueue::factory(std::move(notifications))});
    root.add("moduleload", priorities.module_state, match<ModuleStateEvent>().make());
}

}  // namespace

Server::Server(Poller& poller, CheckedApp app, LogSink log)
    : app_(std::move(app)),
      log_writer_(log ? nullptr : open_log(app_.configuration(), app_.settings())),
      log_(std::move(log)),
      scheduler_(poller, scheduler_options()),
      keeper_(scheduler_),
      access_(scheduler_),
      queues_(scheduler_.queue(), app_.settings().queues, app_.event_types()),
      known_events_(app_, modules_),
      events_(std::make_unique<EventExchange>(scheduler_, known_events_)) {
    assert(app_.sound());
    access_.change(app_.settings().roles, app_.settings().users);
    add_standard_queues(scheduler_.queue(), app_.settings().priorities);
    add_module_queues(scheduler_.queue(), app_.settings());
    queues_.add_standard();
    loader_ = std::make_unique<Loader>(scheduler_, *this, app_, queues_, modules_);
}

Server::Server(Poller& poller, config::Configuration configuration, ServerOptions options)
    : Server(poller, CheckedApp::require(std::move(configuration), std::move(options.registry)),
             std::move(options.log)) {}

// What is logged while the loader is destroyed must not ask it.
Server::~Server() {
    loader_.reset();
}

SchedulerOptions Server::scheduler_options() {
    SchedulerOptions options;
    const ServerSettings& settings = app_.settings();
    options.process_events = settings.process_events;
    options.queue = standard_root(settings.priorities);
    options.queue.max_default = limit_of(settings.queue_limit);
    options.queue.max_total = limit_of(settings.queue_total_limit);
    options.log = [this](const LogRecord& record) { log(record); };
    return options;
}

// --- the log

void Server::log(LogRecord record) const {
    std::string module;
    LogLevel least = app_.settings().log.level;
    if (loader_ != nullptr) {
        if (record.source.empty() && record.routine != nullptr) {
            module = loader_->module_of(*record.routine);
            record.source = module;
        }
        least = loader_->log_level(record.source);
    }
    if (record.level < least) {
        return;
    }
    if (log_writer_ != nullptr) {
        log_writer_->write(record);
    } else {
        log_(record);
    }
}

void Server::reopen_log() {
    if (log_writer_ != nullptr) {
        log_writer_->reopen();
    }
}

void Server::log_from_any_thread(LogLevel level, std::string_view text) const noexcept {
    assert(log_writer_ != nullptr);
    log_writer_->write({level, text});
}

bool Server::flush_log() {
    return log_writer_ == nullptr || log_writer_->flush();
}

std::uint64_t Server::dropped_log_lines() const noexcept {
    return log_writer_ == nullptr ? 0 : log_writer_->dropped();
}

// --- running

void Server::run() {
    keeper_.handle(match<ModuleStateEvent>().make(),
                   [this](const Ref<Event>&) { keep_for_functions(); });
    keeper_.handle(match<SystemControlEvent>(SystemControlEvent::Type::quit),
                   [this](const Ref<Event>& quit) {
                       set_stage(ServerStage::stopping);
                       if (!quit->as<SystemControlEvent>().daemons_only) {
                           loader_->start(limit_quitting(), {.name = "quitting", .daemon = true});
                       }
                   });
    start_modules();
    scheduler_.run();  // stops the handler when it ends
    stop_modules();
    scheduler_.run();
}

Task<> Server::limit_quitting() {
    const std::chrono::milliseconds timeout = app_.settings().quit_timeout;
    // The scheduler interrupts this sleep as it interrupts those of all routines: the time begins
    // then.
    try {
        co_await sleep(timeout);
    } catch (const QuitException&) {
    }
    co_await sleep(timeout);
    scheduler_.log(LogLevel::warning, "closes the routines that have not ended " +
                                          config::duration_text(timeout) +
                                          " (server.quit_timeout) after they were told to quit");
    const WaitReportOptions options{.daemons = false, .module_of = [this](const Routine& routine) {
                                        return loader_->module_of(routine);
                                    }};
    for (const std::string& text : wait_report(scheduler_, options)) {
        scheduler_.log(LogLevel::warning, "closes " + text);
    }
    scheduler_.quit_now();
}

void Server::start_modules() {
    ++changes_;
    log_warnings();
    loader_->begin();
    loader_->start(start_up(), {.name = "startup"});
}

void Server::log_warnings() {
    for (const config::Problem& warning : app_.warnings()) {
        scheduler_.log(LogLevel::warning, config::to_text(warning));
    }
}

void Server::stop_modules() {
    set_stage(ServerStage::stopping);
    loader_->begin();
    loader_->start(shut_down(), {.name = "shutdown"});
}

// A server that stops does not run again.
void Server::set_stage(ServerStage stage) {
    if (stage_ != stage && stage_ != ServerStage::stopping) {
        stage_ = stage;
        if (stage_watch_) {
            stage_watch_(stage);
        }
    }
}

Task<> Server::start_up() {
    try {
        co_await loader_->load_all(app_.settings().startup, "listed in server.startup");
    } catch (const LoadException& exception) {
        startup_failure_ = exception.what();
    }
    keep_for_functions();
    app_.close_untaken();
    loader_->start(tell_running(), {.name = "started", .daemon = true});
}

// A server whose startup has failed, and for which nothing is left to do, ends before the next
// round: it never runs.
Task<> Server::tell_running() {
    co_await do_events();
    changed();
}

void Server::changed() {
    if (--changes_ == 0) {
        set_stage(ServerStage::running);
    }
}

// After a startup that failed, the server goes on only for what has work of its own, such as
// clients that it serves.
void Server::keep_for_functions() {
    keeper_.set_daemon(!(startup_failure_.empty() && loader_->has_functions()));
}

Task<> Server::shut_down() {
    Task<> unloading = loader_->unload_all(true);
    co_await unloading;
}

void Server::reconfigure(config::Configuration configuration) {
    std::vector<FoundModule> loaded;
    for (const auto& [name, entry] : modules_.entries) {
        if (entry.found.library != nullptr && entry.found) {
            loaded.push_back(entry.found);
        }
    }
    CheckedApp changed =
        CheckedApp::require_change(std::move(configuration), app_.registry(), std::move(loaded));
    log_changes(scheduler_, "server", config::changes(app_.settings(), changed.settings()),
                "when the server is started again");
    std::vector<std::string> before = app_.settings().startup;
    app_.change_to(std::move(changed));
    log_warnings();
    if (log_writer_ != nullptr) {
        log_writer_->change(app_.settings().log);
    }
    access_.change(app_.settings().roles, app_.settings().users);
    if (changes_++ == 0) {
        set_stage(ServerStage::changing);
    }
    loader_->settings_changed();
    loader_->start(change_startup(std::move(before)), {.name = "startup changed"});
}

// Loads what `startup` has now, and unloads what it had.
Task<> Server::change_startup(std::vector<std::string> before) {
    const struct AtTheEnd {
        Server& server;
        ~AtTheEnd() { server.changed(); }
    } at_the_end{*this};
    const std::vector<std::string> now = app_.settings().startup;
    std::vector<std::string> added;
    for (const std::string& name : now) {
        if (std::ranges::find(before, name) == before.end()) {
            added.push_back(name);
        }
    }
    try {
        co_await loader_->load_all(std::move(added), "listed in server.startup");
    } catch (const LoadException& exception) {
        scheduler_.log(LogLevel::error, exception.what());
    }
    app_.close_untaken();
    for (const std::string& name : before) {
        if (std::ranges::find(now, name) != now.end() ||
            loader_->state(name) != ModuleState::succeeded) {
            continue;
        }
        try {
            Task<> unloading = loader_->unload(name);
            co_await unloading;
        } catch (const LoadException& exception) {
            scheduler_.log(LogLevel::error, exception.what());
        }
    }
}

}  // namespace weir
