#include "modules/system/server/library_users.h"

#include <algorithm>
#include <map>
#include <system_error>
#include <typeinfo>

#include "core/net/connection.h"
#include "core/net/socket_server.h"
#include "core/net/stream_server.h"
#include "core/run/event_handler.h"
#include "core/run/mailbox.h"
#include "core/run/pending_code.h"
#include "core/run/scheduler.h"
#include "core/wait/future.h"
#include "modules/system/module/module_events.h"
#include "modules/system/server/function_words.h"
#include "modules/system/server/plugin_library.h"

namespace weir {

namespace {

// Returns whether the library has the class of the object, which must be derived from a class with
// virtual functions.
template <class T>
bool has_class_of(const PluginLibrary& library, const T& object) {
    return library.contains(&typeid(object));
}

template <class Signature>
bool is_of(const PluginLibrary& library, const std::function<Signature>& function) {
    const auto words = function_words(function);
    return std::any_of(words.begin(), words.end(),
                       [&](const void* word) { return library.contains(word); }) ||
           (function && library.contains(&function.target_type()));
}

bool is_of(const PluginLibrary& library, const Queue& queue) {
    return has_class_of(library, queue.default_queue());
}

// Whether the library's code is needed to handle or destroy the event.
bool is_of(const PluginLibrary& library, const Event& event) {
    if (library.contains(&event.type())) {
        return true;
    }
    if (event.is<FutureEvent>()) {
        const Ref<FutureStateBase>& state = event.as<FutureEvent>().state;
        return state != nullptr && has_class_of(library, *state);
    }
    return false;
}

bool has_predicate_of(const PluginLibrary& library, const Subscriber& subscriber) {
    for (const Subscription& subscription : subscriber.subscriptions()) {
        const std::type_info* predicate = subscription.matcher.predicate_type();
        if (predicate != nullptr && library.contains(predicate)) {
            return true;
        }
    }
    return false;
}

// Whether the container, or what a connection that it is calls, is in the library.
bool is_of(const PluginLibrary& library, const Container& container) {
    if (has_class_of(library, container)) {
        return true;
    }
    if (const auto* connection = dynamic_cast<const Connection*>(&container)) {
        return has_class_of(library, connection->protocol()) ||
               (connection->data != nullptr && has_class_of(library, *connection->data));
    }
    if (const auto* streams = dynamic_cast<const StreamServer*>(&container)) {
        return library.contains(&streams->handler_type());
    }
    const auto* server = dynamic_cast<const SocketServer*>(&container);
    return server != nullptr && has_class_of(library, server->protocol());
}

bool needs(const PluginLibrary& library, const Routine& routine) {
    if (routine.ended()) {
        return false;
    }
    if (library.contains(routine.started_at().file_name()) ||
        (routine.container() != nullptr && is_of(library, *routine.container()))) {
        return true;
    }
    const std::vector<RoutineFrame> frames = routine.frames();
    if (std::any_of(frames.begin(), frames.end(),
                    [&](const RoutineFrame& frame) { return library.contains(frame.code); })) {
        return true;
    }
    if (routine.wait() == nullptr) {
        return has_predicate_of(library, routine);
    }
    const Event* carried = routine.wait()->carries();
    return has_class_of(library, *routine.wait()) ||
           (carried != nullptr && is_of(library, *carried)) || has_predicate_of(library, routine);
}

std::string place(const std::source_location& at) {
    return std::string(at.file_name()) + ':' + std::to_string(at.line());
}

void add_handler(std::vector<std::string>& living, const PluginLibrary& library,
                 const Subscriber& subscriber) {
    if (has_class_of(library, subscriber) || has_predicate_of(library, subscriber)) {
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
        if (is_of(library, *function)) {
            living.push_back("a handler of " + subscription->matcher.describe());
        }
    }
}

void add_queues(std::vector<std::string>& living, const Queue& queue,
                const PluginLibrary& library) {
    if (is_of(library, queue)) {
        living.push_back("the queue '" + queue.name() + "', which is of its kind '" +
                         std::string(queue.default_queue().kind()) + "'");
    }
    for (const Ref<Queue>& subqueue : queue.subqueues()) {
        add_queues(living, *subqueue, library);
    }
}

// What runs later outside of routines.
void add_functions(std::vector<std::string>& living, Scheduler& scheduler,
                   const PluginLibrary& library) {
    try {
        scheduler.mailbox()->for_each([&](const std::function<void()>& posted) {
            if (is_of(library, posted)) {
                living.emplace_back("a posted function");
            }
        });
    } catch (const std::system_error&) {
        // There is no mailbox, and none can be made now: nothing was posted.
    }
    if (const auto* pending = dynamic_cast<const PendingCode*>(&scheduler.poller())) {
        pending->visit_code([&](const void* address, std::string_view what) {
            if (library.contains(address)) {
                living.emplace_back(what);
            }
        });
    }
    if (scheduler.tracer() != nullptr && has_class_of(library, *scheduler.tracer())) {
        living.emplace_back("the tracer of the scheduler");
    }
}

std::string count_of(std::uint64_t count, const std::string& type) {
    return (count == 1 ? "an event " : std::to_string(count) + " events ") + type;
}

// Adds the events of the library's types that are kept elsewhere than in queues and in routines
// that wait to send them: those are found there.
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
            living.push_back(count_of(kept, type.name()) + " still referenced by a receiver");
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

std::vector<std::string> users_of_code(Scheduler& scheduler, const PluginLibrary& library) {
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
    add_queues(living, scheduler.queue(), library);
    add_functions(living, scheduler, library);
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
