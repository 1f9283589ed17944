#pragma once

#include <optional>
#include <vector>

#include "core/base/list.h"
#include "core/base/ref.h"
#include "core/event/event.h"

namespace weir {

class LeafQueue;
class Queue;
struct QueueCanWriteEvent;

/// A limit on the number of events: that of a default queue, or of a queue with all below it.
/// Senders wait for a free slot.
class Limited {
public:
    /// Returns whether a sender that is woken by the signal could send now. If not, the limit
    /// signals again when a slot is free. Returns nothing if only the senders can tell: then all
    /// that the signal matches try.
    virtual std::optional<bool> has_place(const QueueCanWriteEvent& signal) = 0;

protected:
    ~Limited() = default;
};

/// Signals that a slot may be free. It is not sent through the queue: the scheduler wakes one
/// sender after the other while there is a free slot, right after the event that left.
struct QueueCanWriteEvent : Event {
    Index<Limited*> limit;
    Ref<Queue> queue;  ///< keeps the limit alive

    static auto declare() {
        return declare_event<QueueCanWriteEvent>("weir.QueueCanWriteEvent")
            .index("limit", &QueueCanWriteEvent::limit);
    }
};

/// The same signal of a FairQueue. Which senders it wakes depends on their keys.
struct FairQueueCanWriteEvent : QueueCanWriteEvent {
    Index<IndexValue> key;   ///< of the event that left
    Index<bool> new_only;    ///< the slot is for an event of a new key only
    Index<bool> first_only;  ///< the slots are for the first event of a key only

    static auto declare() {
        return declare_event<FairQueueCanWriteEvent, QueueCanWriteEvent>(
                   "weir.FairQueueCanWriteEvent")
            .index("key", &FairQueueCanWriteEvent::key)
            .index("new_only", &FairQueueCanWriteEvent::new_only)
            .index("first_only", &FairQueueCanWriteEvent::first_only);
    }
};

/// Signals that a queue, with all below it, has become empty. Given only if a routine waits for it.
struct QueueIsEmptyEvent : Event {
    Index<const Queue*> emptied;
    Ref<Queue> queue;  ///< keeps it alive

    static auto declare() {
        return declare_event<QueueIsEmptyEvent>("weir.QueueIsEmptyEvent")
            .index("queue", &QueueIsEmptyEvent::emptied);
    }
};

/// Events that have been dropped from a queue. They are destroyed when the queue is consistent
/// again, because their destructors may send.
class DroppedEvents {
public:
    DroppedEvents() = default;
    DroppedEvents(const DroppedEvents&) = delete;
    DroppedEvents& operator=(const DroppedEvents&) = delete;
    ~DroppedEvents() { release(); }

    /// Takes over a reference.
    void adopt(Event& event) noexcept { events_.push_back(event); }
    void release() noexcept {
        while (!events_.empty()) {
            Ref<Event>::adopt(&events_.pop_front()).reset();
        }
    }

private:
    List<Event> events_;
};

/// What the removal of events from a queue sets off, in order.
struct QueueSignals {
    std::vector<Ref<QueueCanWriteEvent>> can_write;
    std::vector<Ref<QueueIsEmptyEvent>> empty;
    /// The queues whose own waiters are served when the senders that wait for a signal are woken.
    /// See LeafQueue::serve_waiters().
    List<LeafQueue, QueueSignals> serving;
    DroppedEvents dropped;
    /// The events behind the one that was popped last, for prefetching; null if they are not known.
    /// Valid until the queue changes.
    const List<Event>* behind = nullptr;

    /// Returns whether nothing was set off that anything has to be done for.
    bool none() const noexcept { return can_write.empty() && empty.empty() && serving.empty(); }
    /// Lets go of all signals, and keeps the memory.
    void clear() noexcept {
        can_write.clear();
        empty.clear();
        serving.clear();
        dropped.release();
        behind = nullptr;
    }
};

}  // namespace weir
