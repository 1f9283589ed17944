#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string_view>

#include "core/event/match_tree.h"
#include "core/queue/queue_member.h"
#include "core/queue/queue_plan.h"

namespace weir {

/// No limit on the number of events.
inline constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

/// The default queue of a queue: it holds the events that no subqueue takes. Its kind decides in
/// which order they leave. There are three kinds, FifoQueue, PriorityQueue and FairQueue; a kind of
/// your own derives from this class.
///
/// It holds a reference to each of its events. A blocked event stands in front of the events that
/// it holds back.
class LeafQueue : public QueueMember, public Limited, public Link<LeafQueue, QueueSignals> {
public:
    /// A limit of 0 is a limit of 1: a queue that takes nothing would stop its senders for ever.
    explicit LeafQueue(std::size_t max_size) noexcept : max_size_(max_size == 0 ? 1 : max_size) {}

    /// Returns the name of the kind, for listings.
    virtual std::string_view kind() const noexcept = 0;
    std::size_t max_size() const noexcept { return max_size_; }
    std::uint64_t popped() const noexcept final { return popped_; }
    bool can_pop() const noexcept final { return can_pop_; }
    /// Returns the queue whose default queue this is.
    Queue& queue() const noexcept;

    /// Adds the event and returns an empty matcher, or, if there is no free slot, returns the
    /// matcher of the signal to wait for before trying again. With `force` limits do not count.
    /// Throws std::logic_error if the event is in a queue already.
    Matcher append(Event& event, bool force);

    /// Puts back the event that was popped last, at the front, and holds back the events that come
    /// after it until it is unblocked. Throws std::logic_error if the event is in a queue.
    void block(Event& event);
    void unblock(Event& event);
    /// Takes an event of the queue out of it, before its turn: it does not count as one that has
    /// left. Requires that queued_in() is this, and that the caller keeps the event. Throws
    /// std::bad_alloc if there is no memory for a signal, which the next event that leaves then
    /// gives; the event is out.
    void withdraw(Event& event, QueueSignals& signals);

    /// Serves the waiters that the queue itself knows. A kind of queue may have such waiters, which
    /// wait for no signal: instead of giving one, its take() adds the queue to
    /// QueueSignals::serving. Called when the event has left, at the moment in which a signal
    /// would wake the senders that wait for it.
    virtual void serve_waiters() {}

    /// Returns whether the event, if it was added now, would leave before all events of the queue
    /// that belong together with it, and no limit of the queue would refuse it. False is not
    /// certain.
    virtual bool lets_pass(const Event&) const { return size() == 0; }

    /// Calls the function for every event, in no particular order.
    virtual void for_each(const std::function<void(Event&)>& visit) const = 0;

protected:
    /// What append, block and unblock do, once their preconditions hold.
    virtual Matcher add(Event& event, bool force) = 0;
    virtual void put_back(Event& event) = 0;
    virtual void release_block(Event& event) = 0;
    /// Unlinks an event, wherever it stands and whether it blocks or not, and then gives the same
    /// signals as take(). An event that blocks holds back no other from then on.
    virtual void remove(Event& event, QueueSignals& signals) = 0;

    /// Removes the next event, and brings can_pop_ up to date. The queues above count for
    /// themselves. Requires can_pop().
    virtual Ref<Event> take(QueueSignals& signals) = 0;

    // --- for the kinds. add() does, in this order: wait_above(), hold(), link the event in,
    // set_can_pop().

    /// Returns an empty matcher if all queues above have a free slot; otherwise the matcher of the
    /// signal to wait for.
    Matcher wait_above();
    /// Returns the matcher of the signal that this queue has a free slot.
    const Matcher& can_write_matcher();
    /// Makes that signal.
    Ref<QueueCanWriteEvent> make_can_write();
    Ref<Queue> owner() const noexcept;

    /// Takes a reference to the event, and counts it in the queues above.
    void hold(Event& event) noexcept {
        event.retain();
        event.queued_in_ = this;
        if (counting_ != nullptr) [[unlikely]] {
            count_in_queues();
        }
    }
    /// Gives back the reference that hold() took. The queues above count for themselves. An event
    /// that blocked may leave when another one that blocked the same queue has been unblocked.
    static Ref<Event> let_go(Event& event) noexcept {
        event.queued_in_ = nullptr;
        event.blocked_in_ = nullptr;
        return Ref<Event>::adopt(&event);
    }
    static bool blocks(const Event& event) noexcept { return event.blocks_; }
    static void set_blocks(Event& event, bool blocks) noexcept { event.blocks_ = blocks; }
    /// Drops an event of a queue that is cleared: it is destroyed with the signals.
    static void drop(Event& event, QueueSignals& signals) noexcept;
    /// Drops an event at once.
    static void drop(Event& event) noexcept;

    /// Sets whether there is an event that may leave, and tells the queues above if that has
    /// changed.
    void set_can_pop(bool can_pop) noexcept;

    const std::size_t max_size_;
    bool can_pop_ = false;

private:
    friend class Queue;
    friend class QueuePlan;
    friend class RoundRobin;

    Ref<Event> serve(QueueSignals& signals) final;
    LeafQueue* as_leaf() noexcept final { return this; }
    void prepare_plan() final {}
    void begin_plan() noexcept final { plan_ = nullptr; }
    void tell_can_pop() noexcept;
    void count_in_queues() noexcept;

    static void require_not_queued(const Event& event);

    // The entry of the directory by which events find their default queue.
    struct Classifier : MatchTree::Entry {
        LeafQueue* queue = nullptr;
    };

    QueuePlan* plan_ = nullptr;  // in which it has a slot; null if it has none of its own
    std::size_t slot_ = 0;
    Queue* counting_ = nullptr;  // the first queue above that counts its events; see Queue::counts
    std::uint64_t popped_ = 0;
    Classifier classifier_;
    Matcher can_write_matcher_;
};

/// Makes the default queue of a queue, with a limit.
using LeafQueueFactory = std::function<std::unique_ptr<LeafQueue>(std::size_t max_size)>;
/// Makes a default queue of the kind that queues have unless told otherwise, a FifoQueue.
std::unique_ptr<LeafQueue> make_fifo_queue(std::size_t max_size);

inline Ref<Event> QueuePlan::take(std::size_t slot, QueueSignals& signals) {
    LeafQueue* const leaf = slots_[slot].leaf;
    if (leaf == nullptr) [[unlikely]] {
        return take_turn(slot, signals);
    }
    Ref<Event> event = leaf->serve(signals);
    if (!leaf->can_pop()) {
        ready_.erase(slot);
    }
    return event;
}

inline void LeafQueue::set_can_pop(bool can_pop) noexcept {
    if (can_pop_ == can_pop) {
        return;
    }
    can_pop_ = can_pop;
    if (!can_pop || plan_ == nullptr || !plan_->note(slot_)) [[unlikely]] {
        tell_can_pop();
    }
}

}  // namespace weir
