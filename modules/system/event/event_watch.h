#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "core/base/list.h"
#include "core/base/ref.h"
#include "core/event/event.h"
#include "core/event/matcher.h"
#include "core/run/task.h"

namespace weir {

class EventTopic;
class EventWatch;

/// An event as watchers receive it.
struct WatchedEvent {
    std::string type;      ///< its own, which may extend the watched one
    std::string json;      ///< its members, an object
    std::string position;  ///< for WatchOptions::after: where a later watch continues
};

/// Tells a routine that a watch has something to take.
struct WatchReady : Event {
    Index<const EventWatch*> watch;

    static auto declare() {
        return declare_event<WatchReady>("weir.WatchReady").index("watch", &WatchReady::watch);
    }
};

/// How much a watch keeps for a reader that is slower than the events.
struct WatchLimits {
    std::size_t events = 1000;
    std::size_t bytes = std::size_t{1} << 20;
};

/// Watches the events of a type that have given values of some indices; EventExchange::watch()
/// makes one. Keeps copies of the events, as data, until they are taken. When it is full, it loses
/// and counts the events that follow: no sender and no receiver of an event ever waits for a
/// watch. On the scheduler's thread only. Must not outlive the exchange.
class EventWatch final : public Link<EventWatch, EventTopic> {
public:
    /// Either an event, or that events were lost at this point.
    struct Item {
        std::shared_ptr<const WatchedEvent> event;  ///< shared by all watches; null: lost
        std::uint64_t lost = 0;                     ///< how many; 0 if that is not known
    };

    EventWatch(EventTopic& topic, WatchLimits limits, bool for_bridge);
    ~EventWatch();
    EventWatch(const EventWatch&) = delete;
    EventWatch& operator=(const EventWatch&) = delete;

    /// Returns whether take() has something to return.
    bool ready() const noexcept { return !kept_.empty() || lost_ != 0; }
    /// Returns the oldest item. Requires ready().
    Item take();
    /// Waits until there is something, and takes it. One routine at a time; the watch must outlive
    /// it.
    Task<Item> next();

    /// Returns what is watched, as the matcher of these events.
    const Matcher& matcher() const noexcept;
    /// Returns the type that is watched.
    const std::string& type() const noexcept;
    /// Returns how many events were lost so far.
    std::uint64_t lost() const noexcept { return all_lost_; }

private:
    friend class EventTopic;
    friend class EventExchange;

    // Keeps the event for the reader, or counts it as lost.
    void add(const std::shared_ptr<const WatchedEvent>& event, bool bridged) noexcept;
    void count_lost() noexcept;
    // There is a gap of unknown size before all that follows.
    void begin_with_gap() { kept_.push_back({}); }
    void wake() noexcept;

    EventTopic& topic_;
    const WatchLimits limits_;
    const bool for_bridge_;
    std::deque<Item> kept_;
    std::size_t bytes_ = 0;   // of the kept events
    std::uint64_t lost_ = 0;  // after the last kept item
    std::uint64_t all_lost_ = 0;
    bool waiting_ = false;  // a routine waits for the next item
    MatcherOf<WatchReady> ready_;
};

}  // namespace weir
