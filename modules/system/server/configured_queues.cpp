#include "modules/system/server/configured_queues.h"

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "config/settings/reader.h"
#include "config/text/nearest_name.h"
#include "core/run/timer.h"
#include "core/wait/future.h"
#include "core/wait/rate_limiter.h"
#include "core/wait/routine_events.h"
#include "modules/system/call/call_events.h"
#include "modules/system/module/module.h"
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

bool is_standard(std::string_view kind) {
    return std::ranges::find(standard_queue_kinds(), kind) != standard_queue_kinds().end();
}

const ModuleQueueKind* find_kind(const ModuleClass& type, std::string_view name) {
    const auto found = std::ranges::find(type.queue_kinds, name, &ModuleQueueKind::name);
    return found == type.queue_kinds.end() ? nullptr : &*found;
}

// A queue of a kind that a module brings is replaced with the module, by its name.
void check_module_kind(const config::Configuration& configuration, const config::Path& path,
                       const QueueSettings& queue, const ModuleQueueKind& kind,
                       config::Problems& problems) {
    if (queue.name.empty()) {
        configuration.report(path, "a queue of the kind '" + kind.name + "' needs a name",
                             problems);
    }
    if (!queue.queues.empty()) {
        configuration.report(path / "queues",
                             "a queue of the kind '" + kind.name + "' can have no queues in it",
                             problems);
    }
    const config::Path place = path / "settings";
    if (kind.settings != nullptr) {
        const auto given = configuration.section(place);
        config::Reader reader(problems, configuration.position(place), place);
        kind.settings->read(given.fragments, kind.settings->make().get(), reader,
                            config::Unknown::report);
    }
}

void check_kind(const config::Configuration& configuration, const config::Path& path,
                const QueueSettings& queue, const ModuleQueueKinds& kinds,
                config::Problems& problems) {
    const auto found = kinds.find(queue.kind);
    const bool of_module = !is_standard(queue.kind) && found != kinds.end();
    if (!of_module && !is_standard(queue.kind)) {
        std::vector<std::string> known = standard_queue_kinds();
        for (const auto& [name, kind] : kinds) known.push_back(name);
        configuration.report(path / "kind", config::unknown_name("queue kind", queue.kind, known),
                             problems);
        return;
    }
    if (queue.kind_settings && (!of_module || found->second->settings == nullptr)) {
        configuration.report(path / "settings", "the kind '" + queue.kind + "' has no settings",
                             problems);
    }
    if (of_module) {
        check_module_kind(configuration, path, queue, *found->second, problems);
    }
}

void check_queues(const config::Configuration& configuration, const config::Path& path,
                  const std::vector<QueueSettings>& queues,
                  const std::vector<const EventType*>& types, const ModuleQueueKinds& kinds,
                  config::Problems& problems) {
    for (std::size_t i = 0; i != queues.size(); ++i) {
        config::Path own = path;
        own.push(i);
        check_kind(configuration, own, queues[i], kinds, problems);
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
        check_queues(configuration, own / "queues", queues[i].queues, types, kinds, problems);
    }
}

}  // namespace

const std::vector<const EventType*>& standard_event_types() {
    static const std::vector<const EventType*> types{
        &event_type<SystemControlEvent>(),  &event_type<SystemControlLowPriorityEvent>(),
        &event_type<RoutineControlEvent>(), &event_type<RateLimitingEvent>(),
        &event_type<FutureEvent>(),         &event_type<TimerEvent>(),
        &event_type<ModuleStateEvent>(),    &event_type<ModuleNotification>(),
        &event_type<ModuleApiCall>(),       &event_type<ApiCall>()};
    return types;
}

void ConfiguredQueues::add_for(Module& module, std::vector<Module*> others) {
    if (module.type().events.empty() && module.type().queue_kinds.empty()) {
        return;
    }
    others.insert(others.begin(), &module);
    add(others);
}

void ConfiguredQueues::add(const Modules& modules) {
    std::vector<const EventType*> types = standard_event_types();
    const std::vector<const EventType*> declared = declared_.all();
    types.insert(types.end(), declared.begin(), declared.end());
    for (const Module* module : modules) {
        types.insert(types.end(), module->type().events.begin(), module->type().events.end());
    }
    add_all(root_, settings_, types, modules);
}

void ConfiguredQueues::add_all(Queue& parent, const std::vector<QueueSettings>& queues,
                               const std::vector<const EventType*>& types, const Modules& modules) {
    for (const QueueSettings& queue : queues) {
        add_to(parent, queue, types, modules);
    }
}

void ConfiguredQueues::add_to(Queue& parent, const QueueSettings& settings,
                              const std::vector<const EventType*>& types, const Modules& modules) {
    const EventType* const type = find_type(types, settings.event);
    if (type == nullptr) {
        return;
    }
    if (is_standard(settings.kind)) {
        Ref<Queue>& made = made_[&settings];
        if (made == nullptr) {
            made = parent.add(settings.name, settings.priority, queue_matcher(settings, *type),
                              queue_options(settings, nullptr));
        }
        add_all(*made, settings.queues, types, modules);
        return;
    }
    const auto owner = std::ranges::find_if(modules, [&settings](const Module* module) {
        return find_kind(module->type(), settings.kind) != nullptr;
    });
    if (owner == modules.end()) {
        return;
    }
    const auto is_it = [&](const Ref<Queue>& queue) {
        return queue->name() == settings.name && queue->parent() == &parent;
    };
    if (std::ranges::none_of((*owner)->queues(), is_it)) {
        (*owner)->add_queue(parent, settings.name, settings.priority,
                            queue_matcher(settings, *type),
                            queue_options(settings, find_kind((*owner)->type(), settings.kind)));
    }
}

void ConfiguredQueues::check(const config::Configuration& configuration,
                             const std::vector<QueueSettings>& settings,
                             const std::vector<const EventType*>& types,
                             const ModuleQueueKinds& kinds, config::Problems& problems) {
    check_queues(configuration, "server.queues", settings, types, kinds, problems);
}

}  // namespace weir
