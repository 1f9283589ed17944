#include "modules/system/server/server_settings.h"

namespace weir {

config::Settings<PrioritySettings> PrioritySettings::describe() {
    using namespace config;
    using P = PrioritySettings;
    const auto priority = [](std::string name, auto member, std::string sentence) {
        return setting(std::move(name), static_cast<int P::*>(member), std::move(sentence))
            .range(0, 10'000)
            .fixed();
    };
    return settings<P>(
        "Priorities of the standard queues; the queue with the largest is served first",
        priority("system_control", &P::system_control, "The scheduler's own events"),
        priority("routine_control", &P::routine_control,
                 "Ends of routines for which routines wait"),
        priority("rate_limiting", &P::rate_limiting, "Places that rate limiters give"),
        priority("future", &P::future, "Futures that have their result"),
        priority("timer", &P::timer, "Timers that are due"),
        priority("module_state", &P::module_state, "Modules that have loaded or unloaded"),
        priority("module_call", &P::module_call, "Calls of modules' functions"),
        priority("module_reply", &P::module_reply, "Answers to calls"),
        priority("module_notification", &P::module_notification, "Notifications of modules"),
        priority("other", &P::other, "Events that no other queue takes"),
        priority("system_control_low", &P::system_control_low, "When there is nothing else to do"));
}

config::Settings<ServerSettings> ServerSettings::describe() {
    using namespace config;
    using S = ServerSettings;
    return settings<S>(
        "What the server itself does",
        setting("startup", &S::startup, "Modules to load at the start, with what they depend on"),
        setting("plugin_path", &S::plugin_path,
                "Folders in which plugins are looked for, in this order")
            .fixed(),
        setting("proxies", &S::proxies, "Which module to take for an interface, by its name")
            .fixed(),
        setting("roles", &S::roles,
                "What users may do, by roles; admin, who may do all, and guest, who may use locks "
                "and read, are there unless a role has that name"),
        setting("users", &S::users, "Who may log in, and what each may do"),
        setting("process_events", &S::process_events,
                "Events handled between two polls; null: all there are, even without end")
            .at_least(1)
            .unit("events")
            .fixed()
            .alias("processevents"),
        setting("queue_limit", &S::queue_limit,
                "How many events that belong to no other queue may wait; null: any number")
            .at_least(1)
            .unit("events")
            .fixed()
            .alias("queuedefaultsize"),
        setting("queue_total_limit", &S::queue_total_limit,
                "How many events may wait in all queues; null: any number")
            .at_least(1)
            .unit("events")
            .fixed()
            .alias("queuemaxsize"),
        setting("calls_per_module", &S::calls_per_module, "Calls of one module that may wait")
            .at_least(1)
            .unit("events")
            .fixed(),
        setting(
            "calls_kept_for_new", &S::calls_kept_for_new,
            "Calls that are reserved, out of all that may wait, for modules without a waiting call")
            .unit("events")
            .fixed(),
        setting("notifications_per_target", &S::notifications_per_target,
                "Notifications of one target that may wait")
            .at_least(1)
            .unit("events")
            .fixed(),
        setting("stuck_after", &S::stuck_after,
                "The log says where the server is stuck when a routine computes, or blocks, for so "
                "long without waiting for an event; null: it does not")
            .at_least(std::chrono::seconds(1))
            .fixed(),
        setting("quit_timeout", &S::quit_timeout,
                "How long routines may take to end when the server quits; the log then names those "
                "that have not ended, and they are closed"),
        setting("log", &S::log, "What is logged, where to and how"),
        setting("priorities", &S::priorities, "Priorities of the standard queues"),
        setting("events", &S::events, "Event types, by their names").fixed(),
        setting("queues", &S::queues, "Queues beside the standard ones").fixed());
}

config::Settings<CommonModuleSettings> CommonModuleSettings::describe() {
    using namespace config;
    using S = CommonModuleSettings;
    return settings<S>(
        "What every module has",
        setting("plugin", &S::plugin,
                "The plugin that the module is made of; null: the one of its name")
            .not_empty()
            .fixed(),
        setting("service", &S::service,
                "Unload it when no module depends on it any more; null: as the module says"),
        setting("log_level", &S::log_level,
                "The least level of what it logs; null: as server.log.level"),
        setting("drain_timeout", &S::drain_timeout,
                "How long calls under way may take to end when it is unloaded, or reloaded with "
                "its state"),
        setting("unload_timeout", &S::unload_timeout, "How long it may take to get ready to go"),
        setting("reload_timeout", &S::reload_timeout,
                "How long a new version may take to load before the old one is kept"));
}

}  // namespace weir
