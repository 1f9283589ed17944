#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "core/base/list.h"
#include "core/base/ref.h"
#include "core/event/event.h"

namespace weir {

class Queue;
struct QueueCanWriteEvent;

// A limit at which senders wait for a place: a default queue or a queue with all below it.
class Limited {
public:
    // Whether a sender that is woken by the signal could send now. If not, the limit signals again
    // when a place is free. Nothing: ask every waiter that the signal matches to try.
    virtual std::optional<bool> has_place(const QueueCanWriteEvent& signal) = 0;

protected:
    ~Limited() = default;
};

// A place may be free. It is not sent through the queue: it wakes senders, one after the other
// while there is a place, right after the event that left.
struct QueueCanWriteEvent : Event {
    Index<Limited*> limit;
    Ref<Queue> queue;  // keeps the limit alive

    static auto declare() {
        return declare_event<QueueCanWriteEvent>("weir.QueueCanWriteEvent")
            .index("limit", &QueueCanWriteEvent::limit);
    }
};

// The same for a default queue that is fair by a key.
struct FairQueueCanWriteEvent : QueueCanWriteEvent {
    Index<IndexValue> key;   // whose event left
    Index<bool> new_only;    // there is a place for a new key only
    Index<bool> first_only;  // there are places for the first event of a key only

    static auto declare() {
        return declare_event<FairQueueCanWriteEvent, QueueCanWriteEvent>(
                   "weir.FairQueueCanWriteEvent")
            .index("key", &FairQueueCanWriteEvent::key)
            .index("new_only", &FairQueueCanWriteEvent::new_only)
            .index("first_only", &FairQueueCanWriteEvent::first_only);
    }
};

// A queue with all below it has become empty, and somebody waited for that.
struct QueueIsEmptyEvent : Event {
    Index<const Queue*> emptied;
    Ref<Queue> queue;  // keeps it alive

    static auto declare() {
        return declare_event<QueueIsEmptyEvent>("weir.QueueIsEmptyEvent")
            .index("queue", &QueueIsEmptyEvent::emptied);
    }
};

// Events that have been dropped from a queue, and that go when the queue is in order again: their
// destructors may send.
class DroppedEvents {
public:
    DroppedEvents() = default;
    DroppedEvents(const DroppedEvents&) = delete;
    DroppedEvents& operator=(const DroppedEvents&) = delete;
    ~DroppedEvents() { release(); }

    // Takes over a reference.
    void adopt(Event& event) noexcept { events_.push_back(event); }
    void release() noexcept {
        while (!events_.empty()) {
            Ref<Event>::adopt(&events_.pop_front()).reset();
        }
    }

private:
    List<Event> events_;
};

// The events that are likely to leave a queue next, the first first: whom they are for can be
// brought into the cache meanwhile. A guess, valid until the queue changes.
struct UpcomingEvents {
    static constexpr std::size_t most = 4;

    bool wanted = false;
    std::array<const Event*, most> events{};  // null: unknown

    void look_at(const List<Event>& list) noexcept {
        auto next = list.begin();
        for (const Event*& event : events) {
            event = next == list.end() ? nullptr : &*next;
            if (event != nullptr) {
                ++next;
            }
        }
    }
};

// What taking events out of a queue sets off, in order.
struct QueueSignals {
    std::vector<Ref<QueueCanWriteEvent>> can_write;
    std::vector<Ref<QueueIsEmptyEvent>> empty;
    DroppedEvents dropped;
    UpcomingEvents upcoming;

    // Lets go of all, and keeps the memory.
    void clear() noexcept {
        can_write.clear();
        empty.clear();
        dropped.release();
        upcoming.events = {};
    }
};

}  // namespace weir
