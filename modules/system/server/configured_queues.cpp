#include "modules/system/server/configured_queues.h"

#include <stdexcept>
#include <string>
#include <string_view>

#include "config/text/nearest_name.h"
#include "core/run/timer.h"
#include "core/wait/future.h"
#include "core/wait/rate_limiter.h"
#include "core/wait/routine_events.h"
#include "modules/system/call/call_events.h"
#include "modules/system/module/module_events.h"
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

std::vector<const EventType*> ConfiguredQueues::types_without_modules() const {
    std::vector<const EventType*> types = standard_event_types();
    const std::vector<const EventType*> declared = declared_.all();
    types.insert(types.end(), declared.begin(), declared.end());
    return types;
}

void ConfiguredQueues::add_for(const ModuleClass& type) {
    if (type.events.empty()) {
        return;
    }
    std::vector<const EventType*> types = types_without_modules();
    types.insert(types.end(), type.events.begin(), type.events.end());
    add(types);
}

void ConfiguredQueues::add(const std::vector<const EventType*>& types) {
    for (const QueueSettings& queue : settings_) {
        if (!made_.contains(&queue) && find_type(types, queue.event) != nullptr) {
            add_queue(root_, queue, types);
            made_.insert(&queue);
        }
    }
}

void ConfiguredQueues::check(const config::Configuration& configuration,
                             const std::vector<QueueSettings>& settings,
                             const std::vector<const EventType*>& types,
                             config::Problems& problems) {
    check_queues(configuration, "server.queues", settings, types, problems);
}

}  // namespace weir
