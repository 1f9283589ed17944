#include "modules/system/server/library_users.h"

#include <algorithm>
#include <map>
#include <typeinfo>

#include "core/run/event_handler.h"
#include "core/run/scheduler.h"
#include "modules/system/call/call_events.h"
#include "modules/system/module/module_events.h"
#include "modules/system/server/plugin_library.h"

namespace weir {

namespace {

bool is_of(const PluginLibrary& library, ApiValue& value) {
    return value.type() != nullptr && library.contains(value.type());
}

// Whether the library's code is needed to handle or destroy the event.
bool is_of(const PluginLibrary& library, const Event& event) {
    if (library.contains(&event.type())) {
        return true;
    }
    ApiCall* call = nullptr;
    if (event.is<ModuleApiCall>()) {
        call = event.as<ModuleApiCall>().state.get();
    } else if (event.is<ModuleApiReply>()) {
        call = event.as<ModuleApiReply>().state.get();
    }
    return call != nullptr &&
           (is_of(library, call->parameters) ||
            (call->result && call->result->ok() && is_of(library, call->result->value())));
}

bool has_predicate_of(const PluginLibrary& library, const Subscriber& subscriber) {
    for (const Subscription& subscription : subscriber.subscriptions()) {
        const std::type_info* type = subscription.matcher.predicate_type();
        if (type != nullptr && library.contains(type)) {
            return true;
        }
    }
    return false;
}

bool needs(const PluginLibrary& library, const Routine& routine) {
    if (routine.ended()) {
        return false;
    }
    if (library.contains(routine.started_at().file_name())) {
        return true;
    }
    const std::vector<RoutineFrame> frames = routine.frames();
    if (std::any_of(frames.begin(), frames.end(),
                    [&](const RoutineFrame& frame) { return library.contains(frame.code); })) {
        return true;
    }
    const Event* carried = routine.wait() == nullptr ? nullptr : routine.wait()->carries();
    return (carried != nullptr && is_of(library, *carried)) || has_predicate_of(library, routine);
}

std::string place(const std::source_location& at) {
    return std::string(at.file_name()) + ':' + std::to_string(at.line());
}

void add_handler(std::vector<std::string>& living, const PluginLibrary& library,
                 const Subscriber& subscriber) {
    if (library.contains(&typeid(subscriber)) || has_predicate_of(library, subscriber)) {
        const auto& first = subscriber.subscriptions();
        living.push_back("a subscription" + (first.empty()
                                                 ? std::string()
                                                 : " to " + first.front().matcher.describe()));
        return;
    }
    const auto* handler = dynamic_cast<const EventHandler*>(&subscriber);
    if (handler == nullptr) {
        return;
    }
    for (const auto& [subscription, function] : handler->functions()) {
        if (library.contains(&function->target_type())) {
            living.push_back("a handler of " + subscription->matcher.describe());
        }
    }
}

std::string count_of(std::uint64_t count, const std::string& type) {
    return (count == 1 ? "an event " : std::to_string(count) + " events ") + type;
}

// The events of the library's types that are kept by whoever got them. Those in queues, or carried
// by routines that wait to send them, are found there.
void add_kept_events(std::vector<std::string>& living, const Scheduler& scheduler,
                     const PluginLibrary& library) {
    std::map<const EventType*, std::uint64_t> seen;
    scheduler.queue().for_each([&](const Event& event) { ++seen[&event.type()]; });
    for (const Subscriber& subscriber : scheduler.subscribers()) {
        const auto* routine = dynamic_cast<const Routine*>(&subscriber);
        if (routine == nullptr || routine->wait() == nullptr) {
            continue;
        }
        if (const Event* carried = routine->wait()->carries();
            carried != nullptr && !carried->queued()) {
            ++seen[&carried->type()];
        }
    }
    library.events().for_each_living([&](const EventType& type, std::uint64_t count) {
        if (const std::uint64_t kept = count - std::min(count, seen[&type]); kept != 0) {
            living.push_back(count_of(kept, type.name()) + " kept by whoever got it");
        }
    });
}

}  // namespace

std::string describe_wait(const Routine& routine, const PluginLibrary* library) {
    std::string text = routine.describe();
    if (routine.wait() == nullptr) {
        return text;
    }
    const std::vector<RoutineFrame> frames = routine.frames();
    if (!frames.empty()) {
        auto shown = std::find_if(frames.begin(), frames.end(), [&](const RoutineFrame& frame) {
            return library == nullptr || library->contains(frame.code);
        });
        shown = shown == frames.end() ? frames.begin() : shown;
        text += ", waits at " + place(shown->waits_at);
    }
    return text + " for " + routine.wait()->describe();
}

std::vector<std::string> users_of_code(const Scheduler& scheduler, const PluginLibrary& library) {
    std::vector<std::string> living;
    for (const Subscriber& subscriber : scheduler.subscribers()) {
        if (const auto* routine = dynamic_cast<const Routine*>(&subscriber)) {
            if (needs(library, *routine)) {
                living.push_back(describe_wait(*routine, &library));
            }
        } else {
            add_handler(living, library, subscriber);
        }
    }
    for (const Ref<Routine>& routine : scheduler.ready()) {
        if (routine != nullptr && routine->about_to_start() && needs(library, *routine)) {
            living.push_back(routine->describe() + ", about to start");
        }
    }
    std::map<std::string, std::size_t> events;
    scheduler.queue().for_each([&](Event& event) {
        if (is_of(library, event)) {
            ++events[event.type().name()];
        }
    });
    for (const auto& [type, count] : events) {
        living.push_back(count_of(count, type) + " in the queues");
    }
    add_kept_events(living, scheduler, library);
    return living;
}

void close_routines_of(Scheduler& scheduler, const PluginLibrary& library) {
    std::vector<Ref<Routine>> to_close;
    for (Subscriber& subscriber : scheduler.subscribers()) {
        auto* routine = dynamic_cast<Routine*>(&subscriber);
        if (routine != nullptr && needs(library, *routine)) {
            to_close.emplace_back(routine);
        }
    }
    for (const Ref<Routine>& routine : to_close) {
        routine->close();
    }
}

void drop_events_of(Scheduler& scheduler, const PluginLibrary& library) {
    std::vector<Ref<Event>> blocked;
    scheduler.queue().for_each([&](Event& event) {
        if (is_of(library, event)) {
            event.set_ignorable();
            if (event.blocks() != nullptr) {
                blocked.emplace_back(&event);
            }
        }
    });
    for (const Ref<Event>& event : blocked) {
        scheduler.ignore(*event);
    }
}

}  // namespace weir
