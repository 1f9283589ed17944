#pragma once

#include <array>
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
#include "modules/lock/wait.h"

namespace weir {

// Who waits for at least one lock, by identity.
struct WaitingOwner final : pool::Pooled {
    explicit WaitingOwner(const void* identity) noexcept
        : identity_(reinterpret_cast<std::uintptr_t>(identity)) {}
    const IndexValue& key() const noexcept { return identity_; }

    List<LockWait, WaitingOwner> waits;

    // Of the search that visited it last.
    std::uint64_t search = 0;
    bool stuck = false;
    bool reaches_start = false;

private:
    const IndexValue identity_;
};

// One wait of a deadlock.
struct DeadlockMember {
    std::string owner;  // who it is, and where it was started
    std::string context;
    std::string key;
    Duration waiting{};                // for how long
    std::vector<std::string> holders;  // of the key
};

// A deadlock: each member waits for a lock that only other members can give back.
struct Deadlock {
    std::vector<DeadlockMember> members;

    // For logs and errors, on one line.
    std::string describe() const;
};

// A deadlock has arisen.
struct DeadlockEvent : Event {
    Deadlock deadlock;

    static auto declare() { return declare_event<DeadlockEvent>("weir.DeadlockEvent"); }
};

// Who waits for whom. An owner that waits for no lock can go on; a wait can go on if so many of the
// key's holders can that a place becomes free; an owner that waits can go on if one of its waits
// can (a session may have several). Deadlocked are those of whom that cannot be said and who wait,
// directly or through others, for themselves; who only waits behind a deadlock is not a part of it.
//
// Only waits for locks are known: that a routine waits for another routine, or for an event, is not
// seen, so a deadlock by way of such a wait is not found. What is reported is one.
class DeadlockDetector {
public:
    DeadlockDetector() = default;
    DeadlockDetector(const DeadlockDetector&) = delete;
    DeadlockDetector& operator=(const DeadlockDetector&) = delete;
    ~DeadlockDetector();

    void add(LockWait& wait);
    void remove(LockWait& wait) noexcept;
    // The owner holds one lock more, or one less.
    void took(const LockOwner& owner) noexcept { ++counts_of(owner).holding; }
    void gave_back(const LockOwner& owner) noexcept { --counts_of(owner).holding; }

    // The waits of the deadlock that the wait is a part of, in no particular order; none if it is
    // not. With a key that nobody who waits holds, this is one look-up.
    std::vector<LockWait*> deadlock_of(LockWait& wait);

    // Null if the owner does not wait.
    WaitingOwner* find(const LockOwner& owner) const noexcept {
        return counts_of(owner).entered == 0 ? nullptr : search(owner);
    }

private:
    WaitingOwner* search(const LockOwner& owner) const noexcept;
    void collect(WaitingOwner& start, std::vector<WaitingOwner*>& reached);
    bool can_go_on(const LockWait& wait) const noexcept;

    // Of all owners whose identities share it: how many locks are held, how many owners are
    // entered.
    struct Counts {
        std::uint32_t holding = 0;
        std::uint32_t entered = 0;
    };
    const Counts& counts_of(const LockOwner& owner) const noexcept {
        const auto identity = reinterpret_cast<std::uintptr_t>(owner.identity());
        return counts_[(identity * 0x9e3779b97f4a7c15U) >> 51];
    }
    Counts& counts_of(const LockOwner& owner) noexcept {
        return const_cast<Counts&>(std::as_const(*this).counts_of(owner));
    }

    // Whoever holds nothing is waited for by nobody: most waits are not entered here, and the
    // counts say so without a search.
    NodeMap<WaitingOwner> owners_;
    std::array<Counts, 8192> counts_{};
    std::uint64_t searches_ = 0;
};

// What the waits of a deadlock are, in words.
Deadlock describe_deadlock(const std::vector<LockWait*>& waits, Time now);

}  // namespace weir
