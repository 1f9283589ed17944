#pragma once

#include <cstddef>
#include <vector>

#include "core/queue/queue_member.h"
#include "core/queue/ready_set.h"

namespace weir {

class LeafQueue;
class Queue;
class RoundRobin;

/// The queue tree, compiled: which default queue of a queue, or of those below it, is served next.
///
/// Most priorities have one member and need no turns. Then the order in which the default queues
/// are served is fixed, and a plan lists it, highest priority first. A slot of the list is a
/// default queue, or a priority that several members share. What is served next is the first slot
/// that is ready; an event touches its own queue and one bit, however deep in the tree that is.
///
/// There is a plan for the root and for each queue with subqueues that shares a priority: between
/// two plans, turns are taken one by one. The one invariant of all plans:
///
///     If a plan is not stale, a slot is in `ready_` exactly if its default queue, or a member of
///     its priority, has an event that may leave. The ring of a shared priority has exactly those
///     members for which the same holds, stale or not.
///
/// What else the tree says follows from its default queues whenever code asks: how many events a
/// queue holds and how many have left it is a sum, and the turns that a priority with one member
/// has served are counted when a second one comes (RoundRobin::settle). Only a queue that limits
/// its events, or that a routine waits for to become empty, counts each of them (Queue::counts).
///
/// A change of the tree makes a plan stale, with memory for as many slots as there are then; who
/// looks next compiles it anew, which cannot fail.
class QueuePlan {
public:
    explicit QueuePlan(Queue& queue) noexcept : queue_(queue) {}

    /// Returns the queue whose plan this is.
    Queue& queue() const noexcept { return queue_; }

    /// Makes the plan stale, with memory for so many slots. Throws std::bad_alloc and then leaves
    /// the plan as it is, or stale.
    void make_room(std::size_t slots);
    void make_room_for_one_more() { make_room((stale_ ? room_ : slots_.size()) + 1); }
    void make_stale() noexcept { stale_ = true; }
    /// Compiles the plan if it is stale.
    QueuePlan& fresh() noexcept {
        if (stale_) [[unlikely]] {
            compile();
        }
        return *this;
    }

    /// Returns whether a slot is ready. Requires, as all that follows, that the plan is not stale.
    bool any() const noexcept { return !ready_.empty(); }
    std::size_t first() const noexcept { return ready_.first(); }
    std::size_t first(std::size_t from) const noexcept { return ready_.first(from); }
    /// Removes the next event of a slot that is ready. The queues above the plan's are not told.
    Ref<Event> take(std::size_t slot, QueueSignals& signals);
    void set(std::size_t slot, bool ready) noexcept {
        ready ? ready_.insert(slot) : ready_.erase(slot);
    }

    /// Notes that a slot is ready. Returns false if that is not all there is to do: the plan is
    /// stale, or there is another one above.
    bool note(std::size_t slot) noexcept {
        if (stale_ || !of_root_) [[unlikely]] {
            return false;
        }
        ready_.insert(slot);
        return true;
    }

private:
    struct Slot {
        LeafQueue* leaf;    // or
        RoundRobin* turns;  // of members that share a priority
    };

    Ref<Event> take_turn(std::size_t slot, QueueSignals& signals);
    void compile() noexcept;
    void lay_out(Queue& queue) noexcept;
    std::size_t add(Slot slot, bool ready) noexcept;

    Queue& queue_;
    std::vector<Slot> slots_;  // in the order in which they are served
    ReadySet ready_;
    std::size_t room_ = 0;  // for so many slots
    bool stale_ = true;
    bool of_root_ = false;
};

}  // namespace weir
