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

class Queue;
class RoundRobin;

/// A part of a queue that holds events: its default queue, or one of its subqueues. Members of
/// equal priority take turns; see RoundRobin.
class QueueMember : public FairLink<QueueMember> {
public:
    virtual ~QueueMember() = default;

    /// Returns the number of events, blocked ones included.
    virtual std::size_t size() const noexcept = 0;
    /// Returns whether there is an event that may leave.
    bool can_pop() const noexcept { return can_pop_; }

protected:
    friend class RoundRobin;
    friend class Queue;

    /// Removes the next event, and brings can_pop_ up to date. The queues above count for
    /// themselves. Requires can_pop().
    virtual Ref<Event> take(QueueSignals& signals) = 0;
    /// Drops all events, and sets can_pop_ to false. The queues above count for themselves.
    virtual void drop_all(QueueSignals& signals) = 0;
    /// Lets all blocked events leave again.
    virtual void unblock_all() = 0;

    /// Sets whether there is an event that may leave, and tells the queues above if that has
    /// changed.
    void set_can_pop(bool can_pop);

    RoundRobin* turns_ = nullptr;  // among which it takes turns; null for a root
    bool can_pop_ = false;
};

/// The members of one priority of a queue, which take fair turns (FairTurns).
///
/// Most often there is one member, which needs no turns. Then only the number of its turns is
/// counted, up to as many as a history has: when a second member comes, the history is filled in as
/// if it had been there all the time.
class RoundRobin : public Link<RoundRobin> {
public:
    RoundRobin(Queue& queue, int priority) noexcept : queue_(queue), priority_(priority) {}
    RoundRobin(const RoundRobin&) = delete;
    RoundRobin& operator=(const RoundRobin&) = delete;

    int priority() const noexcept { return priority_; }
    /// Returns the queue whose members these are.
    Queue& queue() const noexcept { return queue_; }
    /// Returns whether a member has an event that may leave.
    bool can_pop() const noexcept { return only_ != nullptr ? only_->can_pop() : !turns_.empty(); }

    /// Reserves memory so that the next so many add() cannot fail.
    void make_room(std::size_t members = 1);
    /// Adds a member. On failure nothing has changed.
    void add(QueueMember& member);
    /// Removes a member, with its share of the turns. The history may still name it: see forget().
    void remove(QueueMember& member) noexcept;
    /// Lets go of a member that is about to be destroyed.
    void forget(QueueMember& member) noexcept;

    /// Removes the next event of the member whose turn it is. The queue above counts for itself.
    Ref<Event> take(QueueSignals& signals);
    /// Drops all events of the members. The queue above counts for itself.
    void drop_all(QueueSignals& signals);
    /// Lets all blocked events of the members leave again.
    void unblock_all();

    /// Called by a member that has lost so many events, to count them in the queues above.
    void after_pop(QueueMember& member, std::size_t count, QueueSignals& signals);
    /// Called when a member's can_pop() has changed, to tell the queues above as far as it matters.
    static void can_pop_changed(QueueMember& member);

private:
    friend class Queue;
    Ref<Event> take_in_turn(QueueSignals& signals);
    void begin_turns() noexcept;
    void count_served(QueueMember& member) noexcept;
    std::size_t most_remembered() const noexcept { return 10 * members_.size() + 10; }
    bool tell();

    Queue& queue_;
    const int priority_;
    bool listed_ = false;  // among those of the queue that can pop
    // The first member, as long as there has been no other, and how many of its turns would be
    // remembered.
    QueueMember* only_ = nullptr;
    std::size_t only_served_ = 0;
    FairTurns<QueueMember> turns_;  // of the members that can pop
    std::vector<QueueMember*> members_;
};

inline Ref<Event> RoundRobin::take(QueueSignals& signals) {
    if (only_ == nullptr) [[unlikely]] {
        return take_in_turn(signals);
    }
    Ref<Event> event = only_->take(signals);
    only_served_ += only_served_ < most_remembered() ? 1U : 0U;
    return event;
}

inline void QueueMember::set_can_pop(bool can_pop) {
    if (can_pop_ != can_pop) {
        can_pop_ = can_pop;
        if (turns_ != nullptr) {
            RoundRobin::can_pop_changed(*this);
        }
    }
}

}  // namespace weir
