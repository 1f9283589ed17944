#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/list.h"
#include "core/event/event.h"
#include "core/event/matcher.h"
#include "core/queue/fair_turns.h"
#include "core/queue/queue_events.h"

namespace weir {

class LeafQueue;
class Queue;
class QueuePlan;
class RoundRobin;

/// A part of a queue that holds events: its default queue, or one of its subqueues. Members of
/// equal priority take turns; see RoundRobin.
class QueueMember : public FairLink<QueueMember> {
public:
    virtual ~QueueMember() = default;

    /// Returns the number of events, blocked ones included.
    virtual std::size_t size() const noexcept = 0;
    /// Returns how many events have left since it was made.
    virtual std::uint64_t popped() const noexcept = 0;
    /// Returns whether there is an event that may leave.
    virtual bool can_pop() const noexcept = 0;

protected:
    friend class RoundRobin;
    friend class Queue;
    friend class QueuePlan;

    /// Makes a plan that begin_plan() will need. Throws std::bad_alloc.
    virtual void prepare_plan() = 0;
    /// Called when the member begins to share its priority: its events no longer have slots in the
    /// plan of the queue above. Requires prepare_plan().
    virtual void begin_plan() noexcept = 0;
    /// Returns this if it is a default queue, else null.
    virtual LeafQueue* as_leaf() noexcept { return nullptr; }
    /// Removes the next event, and counts it, but tells the queues above nothing. Requires
    /// can_pop().
    virtual Ref<Event> serve(QueueSignals& signals) = 0;
    /// Drops all events, so that none may leave. Tells the queues above nothing.
    virtual void drop_all(QueueSignals& signals) = 0;
    /// Lets all blocked events leave again.
    virtual void unblock_all() = 0;

    RoundRobin* turns_ = nullptr;  // among which it takes turns; null for a root
};

/// The members of one priority of a queue, which take fair turns (FairTurns).
///
/// As long as it has not had two members at a time, nothing needs its turns, and it is left out of
/// the plan (QueuePlan). The turns that it has served are then known from what has left the member;
/// settle() counts them.
class RoundRobin : public Link<RoundRobin> {
public:
    /// `shared`: it takes part in plans from the beginning.
    RoundRobin(Queue& queue, int priority, bool shared) noexcept
        : queue_(queue), priority_(priority), shared_(shared) {}
    RoundRobin(const RoundRobin&) = delete;
    RoundRobin& operator=(const RoundRobin&) = delete;

    int priority() const noexcept { return priority_; }
    /// Returns the queue whose members these are.
    Queue& queue() const noexcept { return queue_; }
    /// Returns whether its members take turns one by one.
    bool shared() const noexcept { return shared_; }
    /// Returns its member; null if it has none. Requires that it is not shared.
    QueueMember* only_member() const noexcept { return members_.empty() ? nullptr : members_[0]; }
    /// Returns whether a member has an event that may leave. Requires that it is shared.
    bool can_pop() const noexcept { return !turns_.empty(); }

    /// Reserves memory so that the next so many add() cannot fail.
    void make_room(std::size_t members = 1);
    /// Adds a member. Requires make_room().
    void add(QueueMember& member) noexcept;
    /// Removes a member, with its share of the turns. The history may still name it: see forget().
    void remove(QueueMember& member) noexcept;
    /// Lets go of a member that is about to be destroyed.
    void forget(QueueMember& member) noexcept { turns_.forget_object(member); }

    /// Removes the next event of the member whose turn it is. Requires that it is shared.
    Ref<Event> take(QueueSignals& signals);
    /// Called when an event leaves the member otherwise than by a pop of the queues above, for
    /// which it does not count as a turn.
    void leaves_out_of_turn(QueueMember& member) noexcept;
    /// Drops all events of the members.
    void drop_all(QueueSignals& signals);
    /// Lets all blocked events of the members leave again.
    void unblock_all();

    /// Gives the member, and each queue above it, its share of the turns: it has been ready.
    static void give_shares(QueueMember& member) noexcept;
    /// Called when the member's can_pop() may have changed otherwise than by a pop, to tell the
    /// queues above. `member` is a default queue, or a queue that has a plan.
    static void tell(QueueMember& member) noexcept;

private:
    friend class Queue;
    friend class QueuePlan;
    void settle() noexcept;
    void count_served(QueueMember& member);
    bool update(QueueMember& member) noexcept;
    std::size_t most_remembered() const noexcept { return 10 * members_.size() + 10; }

    Queue& queue_;
    const int priority_;
    bool shared_;
    QueuePlan* plan_ = nullptr;  // in which it has a slot, once that is compiled
    std::size_t slot_ = 0;
    std::uint64_t settled_ = 0;  // how much of the only member's popped() counts as no more turns
    FairTurns<QueueMember> turns_;  // of the members that can pop
    std::vector<QueueMember*> members_;
};

}  // namespace weir
