#pragma once

#include "core/base/ref.h"

namespace weir {

class LockKey;
class LockQueue;
class Scheduler;
struct LockEvent;

// Where the decisions about locks are made. The records of locks - keys, events, waiters - and
// their queue call it, and know nothing else of the table that implements it.
class LockHome : public RefCounted<LockHome> {
public:
    virtual ~LockHome() = default;

    Scheduler& scheduler() const noexcept { return scheduler_; }

    // Grants free slots of the key to its waiters, in order.
    virtual void serve(LockKey& key) noexcept = 0;
    // Called when the lock of the event has been given back.
    virtual void released(LockEvent& event) noexcept = 0;
    // Takes the lock of the event away from its holder, because its time is over.
    virtual void lose(LockEvent& event) noexcept = 0;
    // Returns the key of an event that no Lock sends: one that a module has made, or that moves to
    // another queue.
    virtual LockKey& key_of(const LockEvent& event) = 0;
    // Called by the destructor of a lock queue.
    virtual void queue_is_gone(const LockQueue& queue) noexcept = 0;

protected:
    explicit LockHome(Scheduler& scheduler) noexcept : scheduler_(scheduler) {}

    Scheduler& scheduler_;
};

}  // namespace weir
