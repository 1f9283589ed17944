#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document/value.h"
#include "core/base/clock.h"
#include "core/run/task.h"
#include "modules/system/event/event_source.h"
#include "modules/system/event/event_topic.h"
#include "modules/system/event/event_watch.h"

namespace weir {

class Caller;
struct ApiError;
struct Right;

/// The value that an index of watched events has, as text: {"room", "hall"}, {"number", "7"}.
struct IndexFilter {
    std::string index;
    std::string value;
};

struct PublishOptions {
    /// How long to wait for room in the event's queue; none: without end.
    std::optional<Duration> timeout = std::chrono::seconds(10);
    /// A bridge sends it, which forwards events of another process: see Event::bridged().
    bool bridge = false;
};

struct WatchOptions {
    WatchLimits limits = {};
    /// A bridge watches, which forwards the events to another process.
    bool bridge = false;
    /// Lets a later watch continue this one, see `after`: the latest events are kept, also for a
    /// minute after the last such watch. See EventTopics for how many at a time.
    bool resumable = false;
    /// WatchedEvent::position after which the watch begins, of an earlier watch of the same events;
    /// "": now.
    std::string after = {};
};

/// Where events enter and leave a server as data, whatever the protocol. Protocol modules get it
/// from Module::events(). On the scheduler's thread only.
///
/// Errors are ApiExceptions with a code of EventError, or `timeout`.
class EventExchange {
public:
    /// Both must outlive the exchange.
    EventExchange(Scheduler& scheduler, const EventSource& source) noexcept;
    EventExchange(const EventExchange&) = delete;
    EventExchange& operator=(const EventExchange&) = delete;

    /// Describes all event types that may enter or leave, ordered by name: a list of objects with
    /// `type`, `description`, `module`, `extends`, `ignorable`, `indices` and `members`. Each index
    /// and member has `name`, `type`, `allowed`, `unit`, `required`, `default` and `description`,
    /// as far as there is one.
    config::Value types() const;
    /// Describes one type. Throws unknown_event and not_portable.
    config::Value type(std::string_view name) const;

    /// Sends an event that is made from a JSON object. Returns when its queue has taken it; waits
    /// for room for the given time. Throws unknown_event, not_portable, bad_event and `timeout`.
    Task<> publish(std::string type, std::string json, PublishOptions options = {});

    /// The same for an event whose members are read already.
    Task<> publish_members(std::string type, config::Value members, PublishOptions options = {});

    /// Returns the type of that name that there is now, or null. It may leave with its module.
    const EventType* find_type(std::string_view name) const {
        return source_.find_event_type(name);
    }

    /// Watches the events of the type, and of the portable types that extend it, that have these
    /// values of indices. Throws unknown_event, and not_portable, also for a type whose events must
    /// not be dropped, and bad_event for what is no index, or no value of it.
    std::unique_ptr<EventWatch> watch(std::string_view type,
                                      const std::vector<IndexFilter>& filters = {},
                                      const WatchOptions& options = {});

    /// The same for a client outside, by its rights: `server.list_events`, `server.send_event` and
    /// `server.watch_events`. Throw `denied` at once, before anything else is looked at. A protocol
    /// that passes on what its clients ask for uses these.
    config::Value types(const Caller& client) const;
    config::Value type(const Caller& client, std::string_view name) const;
    Task<> publish(const Caller& client, std::string type, std::string json,
                   PublishOptions options = {});
    std::unique_ptr<EventWatch> watch(const Caller& client, std::string_view type,
                                      const std::vector<IndexFilter>& filters = {},
                                      const WatchOptions& options = {});
    /// Returns these rights.
    static std::vector<Right> rights();
    /// Returns why the client may not watch events now; nothing if it may. To be asked for each
    /// event that is passed on: rights change while a watch goes on.
    static std::optional<ApiError> refusal_to_watch(const Caller& client);

    /// Returns how many different selections of events are watched, or were within the last minute.
    std::size_t topics() const noexcept { return topics_.size(); }

private:
    Task<> send_made(Ref<Event> event, std::string type, PublishOptions options);
    const EventType& find(std::string_view name) const;
    const EventType& find_portable(std::string_view name, const char* what) const;

    Scheduler& scheduler_;
    const EventSource& source_;
    EventTopics topics_;
};

}  // namespace weir
