#pragma once

#include <string>
#include <vector>

#include "core/event/event.h"
#include "core/queue/queue_events.h"
#include "modules/lock/key.h"
#include "modules/lock/state.h"

namespace weir {

// Holds a lock for as long as it is in the lock queue: the queue takes one such event for each key,
// or as many as a semaphore says, and the event blocks the queue until the lock is given back.
struct LockEvent : Event {
    Index<std::string> context;
    Index<IndexValue> key;
    Index<const LockState*> locker;
    Ref<LockState> state;
    Ref<LockKey> place;  // where a lock queue counts it

    bool can_ignore_now() const { return !state->locked || state->event != this; }

    ~LockEvent() {
        if (state != nullptr && state->event == this) {
            state->event = nullptr;
        }
    }

    static auto declare() {
        return declare_event<LockEvent>("weir.LockEvent")
            .index("context", &LockEvent::context)
            .index("key", &LockEvent::key)
            .index("locker", &LockEvent::locker)
            .blocking();
    }
};

// Sent when a lock that begin_lock began has been taken, or cannot be taken.
struct LockedEvent : Event {
    Index<const LockState*> locker;
    Index<std::string> context;
    Index<IndexValue> key;
    Ref<LockState> state;

    static auto declare() {
        return declare_event<LockedEvent>("weir.LockedEvent")
            .index("locker", &LockedEvent::locker)
            .index("context", &LockedEvent::context)
            .index("key", &LockedEvent::key);
    }
};

// Sent when a slot of a key may be free in a lock queue.
struct LockCanWriteEvent : QueueCanWriteEvent {
    Index<const LockKey*> key;
    Ref<LockKey> place;  // keeps the key alive

    static auto declare() {
        return declare_event<LockCanWriteEvent, QueueCanWriteEvent>("weir.LockCanWriteEvent")
            .index("key", &LockCanWriteEvent::key);
    }
};

}  // namespace weir
