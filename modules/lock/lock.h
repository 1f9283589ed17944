#pragma once

#include <string>

#include "core/container.h"
#include "core/event.h"
#include "core/index_value.h"
#include "core/queue.h"
#include "core/scheduler.h"
#include "core/task.h"

namespace weir {

// What a lock's events refer to; it outlives the Lock while one of them is under way.
struct LockState : RefCounted<LockState>, pool::Pooled {
    bool locked = false;
};

// Holds a lock as long as it is in the queue: the queue has one place for each key, and the event
// blocks until the lock is given back. Who wants the same lock waits for the place.
struct LockEvent : Event {
    Index<std::string> context;
    Index<IndexValue> key;
    Index<const LockState*> locker;
    Ref<LockState> state;

    bool can_ignore_now() const { return !state->locked; }

    static auto declare() {
        return declare_event<LockEvent>("weir.LockEvent")
            .index("context", &LockEvent::context)
            .index("key", &LockEvent::key)
            .index("locker", &LockEvent::locker)
            .blocking();
    }
};

// A lock that was begun in another routine has been taken.
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

// A lock on a key in a context: of all locks on the same key and context, whoever makes them, one
// is held at a time, or as many as a Semaphore allows. First come, first served. Who waits and is
// closed leaves nothing behind.
//
// Given back when the object goes. Needs the queue that `add_lock_queue` makes; belongs to the
// scheduler's thread.
class Lock {
public:
    explicit Lock(Scheduler& scheduler, IndexValue key, std::string context = "default");
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock() { unlock(); }

    const IndexValue& key() const noexcept { return key_; }
    const std::string& context() const noexcept { return context_; }
    bool locked() const noexcept { return state_->locked; }

    // Waits until the lock is held. Returns at once if it is held by this object already; if it
    // has been begun, waits for that.
    Task<> lock();
    // Takes the lock if that is possible at once; whether it is held.
    bool try_lock();
    // Starts to take the lock in another routine, of the container; whether it is held already.
    bool begin_lock(Container& container);
    // Gives the lock back, or ends what begin_lock began.
    void unlock() noexcept;

private:
    Task<> take();
    Task<> take_and_tell();
    Ref<LockEvent> make_lock_event() const;

    Scheduler& scheduler_;
    const IndexValue key_;
    const std::string context_;
    Ref<LockState> state_;
    Ref<Routine> beginning_;
};

// Lets several locks on a key and context be held at a time, as long as it exists.
class Semaphore {
public:
    Semaphore(Scheduler& scheduler, IndexValue key, std::size_t size,
              std::string context = "default", int priority = 1000);

    // From now on `size` locks may be held. Throws std::logic_error if it was created before.
    void create();
    // From now on one lock may be held. What is held stays held.
    Task<> destroy();

private:
    Scheduler& scheduler_;
    const IndexValue key_;
    const std::string context_;
    const std::size_t size_;
    const int priority_;
    Ref<Queue> queue_;
};

// Adds the queue of the locks to a queue tree.
Ref<Queue> add_lock_queue(Queue& root, int priority = 990);

}  // namespace weir
