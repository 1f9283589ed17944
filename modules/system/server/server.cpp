#include "modules/system/server/server.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "config/settings/changes.h"
#include "config/text/nearest_name.h"
#include "core/queue/fair_queue.h"
#include "core/run/timer.h"
#include "core/wait/future.h"
#include "core/wait/rate_limiter.h"
#include "core/wait/routine_events.h"
#include "modules/system/module/notification.h"

namespace weir {

namespace {

const EventType* find_type(const std::vector<const EventType*>& types, std::string_view name) {
    for (const EventType* type : types) {
        if (type->name() == name) {
            return type;
        }
    }
    return nullptr;
}

// The configuration's settings of the server, if nothing is wrong with it.
ServerSettings checked_settings(const config::Configuration& configuration,
                                const Registry& registry) {
    config::Problems problems;
    Server::check(configuration, registry, problems);
    if (!problems.empty()) {
        throw std::invalid_argument(problems.text());
    }
    return configuration.read<ServerSettings>("server", problems);
}

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
    root.add("moduleapireply", priorities.module_reply, match<ModuleApiReply>().make());
    FairQueueOptions notifications;
    notifications.key = EventKey::named("target");
    notifications.subqueue_limit = settings.notifications_per_target;
    root.add("modulenotify", priorities.module_notification, match<ModuleNotification>().make(),
             {.kind = FairQueue::factory(std::move(notifications))});
    root.add("moduleload", priorities.module_state, match<ModuleStateEvent>().make());
}

// Makes the queue with those in it; all their events must be of known types.
void add_queue(Queue& parent, const QueueSettings& settings,
               const std::vector<const EventType*>& types) {
    const EventType* type = find_type(types, settings.event);
    if (type == nullptr) {
        return;
    }
    const Ref<Queue> queue = parent.add(settings.name, settings.priority,
                                        queue_matcher(settings, *type), queue_options(settings));
    for (const QueueSettings& inner : settings.queues) {
        add_queue(*queue, inner, types);
    }
}

void check_queues(const config::Configuration& configuration, const config::Path& path,
                  const std::vector<QueueSettings>& queues,
                  const std::vector<const EventType*>& types, config::Problems& problems) {
    for (std::size_t i = 0; i != queues.size(); ++i) {
        config::Path own = path;
        own.push(i);
        if (const EventType* type = find_type(types, queues[i].event); type != nullptr) {
            try {
                queue_matcher(queues[i], *type);
            } catch (const std::invalid_argument& error) {
                configuration.report(own / "index", error.what(), problems);
            }
        } else if (!queues[i].event.empty()) {
            std::vector<std::string> known;
            for (const EventType* other : types) known.push_back(other->name());
            configuration.report(own / "event",
                                 config::unknown_name("event type", queues[i].event, known),
                                 problems);
        }
        check_queues(configuration, own / "queues", queues[i].queues, types, problems);
    }
}

}  // namespace

const std::vector<const EventType*>& standard_event_types() {
    static const std::vector<const EventType*> types{
        &event_type<SystemControlEvent>(),  &event_type<SystemControlLowPriorityEvent>(),
        &event_type<RoutineControlEvent>(), &event_type<RateLimitingEvent>(),
        &event_type<FutureEvent>(),         &event_type<TimerEvent>(),
        &event_type<ModuleStateEvent>(),    &event_type<ModuleNotification>(),
        &event_type<ModuleApiCall>(),       &event_type<ModuleApiReply>()};
    return types;
}

Server::Server(Poller& poller, config::Configuration configuration, ServerOptions options)
    : configuration_(std::move(configuration)),
      settings_(checked_settings(configuration_, options.registry)),
      registry_(std::move(options.registry)),
      log_writer_(options.log ? nullptr : open_log(configuration_, settings_)),
      log_(std::move(options.log)),
      scheduler_(poller, scheduler_options()) {
    add_standard_queues(scheduler_.queue(), settings_.priorities);
    add_module_queues(scheduler_.queue(), settings_);
    add_queues(standard_event_types());
    loader_ = std::make_unique<Loader>(*this, registry_);
}

// What is logged while the loader goes must not ask it.
Server::~Server() {
    loader_.reset();
}

SchedulerOptions Server::scheduler_options() {
    SchedulerOptions options;
    if (settings_.process_events) {
        options.process_events = *settings_.process_events;
    }
    options.queue = standard_root(settings_.priorities);
    options.queue.max_default = limit_of(settings_.queue_limit);
    options.queue.max_total = limit_of(settings_.queue_total_limit);
    options.log = [this](const LogRecord& record) { log(record); };
    return options;
}

// --- the log

void Server::log(LogRecord record) const {
    std::string module;
    LogLevel least = settings_.log.level;
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

bool Server::flush_log() {
    return log_writer_ == nullptr || log_writer_->flush();
}

std::uint64_t Server::dropped_log_lines() const noexcept {
    return log_writer_ == nullptr ? 0 : log_writer_->dropped();
}

// --- running

void Server::run() {
    functions_keep_it_up_ = true;
    start_modules();
    scheduler_.run();
    functions_keep_it_up_ = false;
    stop_modules();
    scheduler_.run();
}

void Server::start_modules() {
    loader_->begin();
    loader_->start(start_up(), {.name = "startup"});
}

void Server::stop_modules() {
    loader_->begin();
    loader_->start(shut_down(), {.name = "shutdown"});
}

Task<> Server::start_up() {
    try {
        Task<> loading = loader_->load_all(settings_.startup);
        co_await loading;
    } catch (const LoadException& exception) {
        startup_failure_ = exception.what();
    }
}

Task<> Server::shut_down() {
    Task<> unloading = loader_->unload_all(true);
    co_await unloading;
}

void Server::reconfigure(config::Configuration configuration) {
    ServerSettings settings = checked_settings(configuration, registry_);
    configuration_ = std::move(configuration);
    for (const config::Change& change : config::changes(settings_, settings)) {
        if (change.fixed) {
            scheduler_.log(LogLevel::warning, "server." + change.setting +
                                                  " takes effect when the server is started again");
        }
    }
    settings.log.queue = settings_.log.queue;
    settings_.log = settings.log;
    if (log_writer_ != nullptr) {
        log_writer_->change(settings_.log);
    }
    loader_->settings_changed();
    // The other settings stay: the queues were made from them.
    std::vector<std::string> before = std::exchange(settings_.startup, std::move(settings.startup));
    if (before != settings_.startup) {
        loader_->start(change_startup(std::move(before)), {.name = "startup changed"});
    }
}

// Loads what `startup` has now, and unloads what it had.
Task<> Server::change_startup(std::vector<std::string> before) {
    const std::vector<std::string> now = settings_.startup;
    std::vector<std::string> added;
    for (const std::string& name : now) {
        if (std::ranges::find(before, name) == before.end()) {
            added.push_back(name);
        }
    }
    try {
        Task<> loading = loader_->load_all(std::move(added));
        co_await loading;
    } catch (const LoadException& exception) {
        scheduler_.log(LogLevel::error, exception.what());
    }
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

void Server::check(const config::Configuration& configuration, const Registry& registry,
                   config::Problems& problems) {
    const auto settings = [&] {
        config::Problems own;  // the catalogue reports them
        return configuration.read<ServerSettings>("server", own);
    }();
    ModuleFinder finder(settings, registry);
    const StartupPlan plan(configuration, settings, finder, problems);
    // Modules that are not started, but have settings: these may be wrong too. Where there are
    // defaults for all modules, any module may be the one that has such a setting.
    std::set<std::string> to_open;
    for (const config::Name& name : configuration.names("module")) {
        if (name.text != "default") {
            to_open.insert(name.text);
        } else {
            const std::vector<std::string> installed = finder.names();
            to_open.insert(installed.begin(), installed.end());
        }
    }
    std::map<std::string, FoundModule> others;
    for (const std::string& name : to_open) {
        if (plan.modules().contains(name)) {
            continue;
        }
        try {
            FoundModule found = finder.open(name);
            others.emplace(name, std::move(found));
        } catch (const PluginError&) {
            // There is none, or it cannot be used anyway.
        }
    }
    config::Catalogue catalogue;
    catalogue.add<ServerSettings>("server");
    plan.add_to(catalogue);
    for (const auto& [name, found] : others) {
        if (found.type->settings != nullptr) {
            catalogue.add("module." + name, *found.type->settings, config::Use::installed);
        }
        catalogue.add<CommonModuleSettings>("module." + name, config::Use::installed);
    }
    for (const std::string& name : finder.names()) {
        if (!plan.modules().contains(name) && !others.contains(name)) {
            catalogue.add_module(name);
        }
    }
    catalogue.check(configuration, problems);
    std::vector<const EventType*> types = standard_event_types();
    for (const auto& [name, found] : plan.modules()) {
        types.insert(types.end(), found.type->events.begin(), found.type->events.end());
    }
    check_queues(configuration, "server.queues", settings.queues, types, problems);
}

void Server::add_queues_for(const ModuleClass& type) {
    if (type.events.empty()) {
        return;
    }
    std::vector<const EventType*> types = standard_event_types();
    types.insert(types.end(), type.events.begin(), type.events.end());
    add_queues(types);
}

void Server::add_queues(const std::vector<const EventType*>& types) {
    for (const QueueSettings& queue : settings_.queues) {
        if (!made_queues_.contains(&queue) && find_type(types, queue.event) != nullptr) {
            add_queue(scheduler_.queue(), queue, types);
            made_queues_.insert(&queue);
        }
    }
}

}  // namespace weir
