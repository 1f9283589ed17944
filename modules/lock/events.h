#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/event/event.h"
#include "core/queue/queue_events.h"
#include "core/run/scheduler.h"
#include "core/simulation/boot_clock.h"
#include "modules/lock/backend.h"
#include "modules/lock/context.h"
#include "modules/lock/key.h"
#include "modules/lock/owner.h"

namespace weir {

struct LockState;

// A lock that is held. The lock queue takes one such event for each key, or as many as a semaphore
// allows; the event blocks the queue until the lock is given back, and then leaves it.
//
// Made by a Lock when it takes its key. A module may send one of its own (context, key and any
// locker), which waits for its turn like a Lock, and leaves the queue at once.
struct LockEvent : Event, Link<LockEvent, LockKey> {
    Index<std::string> context;
    Index<IndexValue> key;
    Index<LockState*> locker;  // the identity of the Lock, which may be gone

    // --- for the queue and the table

    Ref<LockKey> place;       // where a lock queue counts it
    Ref<LockContext> group;   // that counts the grant; null: no Lock has made it
    LockOwner owner;          // while it is held
    Time since{};             // held since then
    std::uint64_t token = 0;  // of the grant; before it, that of the Lock's grant before
    bool held = false;
    bool taken = false;      // held now, or once: another grant of the Lock needs an unshared event
    bool asking = false;     // a Lock or its waiter tries to take the key by it at this moment
    bool reads = false;      // other locks to read may be held with it
    bool bounded = false;    // while it is held, by one of the two that follow
    BootTime end_of_time{};  // it is held until then at most; BootTime::max(): no such limit
    std::unique_ptr<RemoteSlot> remote;  // of a backend, if there is one
    Ref<LockEvent> successor;            // by which it is held since the key has got a semaphore

    template <class Context, class Key>
    LockEvent(const Context& in_context, const Key& of_key, LockState* by)
        : context(in_context), key(of_key), locker(by) {}
    LockEvent(const LockEvent&) = delete;
    LockEvent& operator=(const LockEvent&) = delete;

    // While it is held the event blocks: no observer can make the queue drop it.
    void set_held(bool is_held) noexcept {
        held = is_held;
        set_ignorable(!is_held);
    }
    // Gives the lock back, if it is held.
    void give_back() noexcept {
        if (held) {
            set_held(false);
            place->home().released(*this);
        }
    }

    // Whether it is held, and certainly is no other owner's. Compares the clock.
    bool valid() const noexcept { return held && (!bounded || valid_for() > Duration::zero()); }
    // How long that stays so, whatever happens from now on; Duration::max(): until it is given
    // back.
    Duration valid_for() const noexcept {
        if (!held || !bounded) {
            return held ? Duration::max() : Duration::zero();
        }
        const BootTime until = valid_until();
        return until == BootTime::max()
                   ? Duration::max()
                   : std::max(until - boot_time(place->home().scheduler().poller()),
                              Duration::zero());
    }
    // The same without a limit of its own: how long a backend certainly keeps it for this process.
    Duration confirmed_for() const noexcept {
        if (!held || remote == nullptr) {
            return held ? Duration::max() : Duration::zero();
        }
        return std::max(remote->valid_until() - boot_time(place->home().scheduler().poller()),
                        Duration::zero());
    }
    // Requires that it is bounded.
    BootTime valid_until() const noexcept {
        return remote == nullptr ? end_of_time : std::min(end_of_time, remote->valid_until());
    }

    static auto declare() {
        return declare_event<LockEvent>("weir.LockEvent")
            .index("context", &LockEvent::context)
            .index("key", &LockEvent::key)
            .index("locker", &LockEvent::locker);
    }
};

// Sent when a lock that begin_lock began has been taken, or cannot be taken.
struct LockedEvent : Event {
    Index<LockState*> locker;
    Index<std::string> context;
    Index<IndexValue> key;

    static auto declare() {
        return declare_event<LockedEvent>("weir.LockedEvent")
            .index("locker", &LockedEvent::locker)
            .index("context", &LockedEvent::context)
            .index("key", &LockedEvent::key);
    }
};

// Sent when a lock is taken away from its holder; see LockLost.
struct LockLostEvent : Event {
    Index<std::string> context;
    Index<IndexValue> key;
    Index<LockState*> locker;       // the identity of the Lock
    Index<SessionRecord*> session;  // that has held it; null: none
    std::uint64_t token = 0;        // of the grant
    std::string owner;              // as in listings
    std::string reason;             // for a person

    static auto declare() {
        return declare_event<LockLostEvent>("weir.LockLostEvent")
            .index("context", &LockLostEvent::context)
            .index("key", &LockLostEvent::key)
            .index("locker", &LockLostEvent::locker)
            .index("session", &LockLostEvent::session);
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
