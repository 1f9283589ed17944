#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/base/pool.h"
#include "core/event/event.h"
#include "core/event/node_map.h"
#include "modules/lock/request.h"

namespace weir {

// An owner that waits for at least one lock.
struct WaitingOwner final : pool::Pooled {
    explicit WaitingOwner(const void* identity) noexcept
        : identity_(reinterpret_cast<std::uintptr_t>(identity)) {}
    const IndexValue& key() const noexcept { return identity_; }

    List<LockRequest, WaitingOwner> waits;

    // Of the search that visited it last.
    std::uint64_t search = 0;
    std::size_t number = 0;  // among the owners that it has visited
    bool stuck = false;

private:
    const IndexValue identity_;
};

// One wait of a deadlock. Clients choose names, and how many of them hold a key: long names are
// shortened, and of many holders the last one says how many more there are.
struct DeadlockMember {
    std::string owner;  // its name, and where it was started
    std::string context;
    std::string key;
    std::string waits_at;              // the file and line of its co_await
    Duration waiting{};                // for how long
    std::vector<std::string> holders;  // of the key
};

// A deadlock: each member waits for a lock that only other members can give back.
struct Deadlock {
    static constexpr std::size_t most_members = 20;

    std::vector<DeadlockMember> members;  // so many at most
    std::size_t left_out = 0;             // members

    // For logs and errors, on one line of some KB at most.
    std::string describe() const;
};

// Sent when a deadlock has arisen.
struct DeadlockEvent : Event {
    Deadlock deadlock;

    static auto declare() { return declare_event<DeadlockEvent>("weir.DeadlockEvent"); }
};

// Finds deadlocks: owners that wait for locks of each other in a circle.
//
// An owner that waits for no lock can proceed. A wait can proceed if enough holders of its key can
// that a slot becomes free. An owner that waits can proceed if one of its waits can (a session may
// have several). An owner is deadlocked if it cannot proceed by these rules and waits, directly or
// through other owners, for itself. An owner that only waits behind a deadlock is not a part of it.
//
// Finds only what is a deadlock, but not each one: a wait for a routine or for an event can be a
// part of a deadlock too, and is not known here.
class DeadlockDetector {
public:
    DeadlockDetector() = default;
    DeadlockDetector(const DeadlockDetector&) = delete;
    DeadlockDetector& operator=(const DeadlockDetector&) = delete;
    ~DeadlockDetector();

    // Returns whether the wait could be a part of a deadlock. A wait of an owner that holds nothing
    // can close no circle: it is not entered here, as most are not.
    bool add(LockRequest& wait) {
        const Claims* const claims = wait.owner().claims();
        if (claims == nullptr ||
            (claims->entered == 0 && claims->held == 0 && wait.is_owners_only())) {
            return false;
        }
        enter(wait);
        return true;
    }
    void remove(LockRequest& wait) noexcept {
        if (static_cast<Link<LockRequest, WaitingOwner>&>(wait).linked()) {
            leave(wait);
        }
    }
    // To be called when the owner holds one lock more, or one less.
    static void took(const LockOwner& owner) noexcept {
        if (Claims* const claims = owner.claims()) {
            ++claims->held;
        }
    }
    static void gave_back(const LockOwner& owner) noexcept {
        if (Claims* const claims = owner.claims()) {
            --claims->held;
        }
    }

    // Returns the waits of the deadlock that the wait is a part of, in no particular order; none if
    // there is none. If no holder of the key waits, this is one look-up; otherwise it takes time in
    // proportion to the owners and keys that the wait depends on, directly or through others.
    std::vector<LockRequest*> deadlock_of(LockRequest& wait);
    // Returns the waits of each deadlock that one of the waits is a part of. Looks at no more than
    // about so many owners.
    std::vector<std::vector<LockRequest*>> deadlocks_of(const std::vector<LockRequest*>& waits,
                                                        std::size_t most);

    // Returns null if the owner does not wait.
    WaitingOwner* find(const LockOwner& owner) const noexcept {
        const Claims* const claims = owner.claims();
        return claims == nullptr || claims->entered == 0 ? nullptr : search(owner);
    }

private:
    void enter(LockRequest& wait);
    void leave(LockRequest& wait) noexcept;
    WaitingOwner* search(const LockOwner& owner) const noexcept;

    class Search;

    NodeMap<WaitingOwner> owners_;
    std::uint64_t searches_ = 0;
};

// Describes the waits of a deadlock.
Deadlock describe_deadlock(const std::vector<LockRequest*>& waits, Time now);

}  // namespace weir
