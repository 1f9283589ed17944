#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <string_view>

#include "core/event/match_tree.h"
#include "core/queue/queue_member.h"

namespace weir {

// No limit on the number of events.
inline constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

// The default queue of a queue: where those of its events wait that no subqueue takes. There are
// three kinds, FifoQueue, PriorityQueue and FairQueue; another derives from this.
//
// It holds a reference to each of its events. Blocked events are at the front of what they block.
class LeafQueue : public QueueMember, public Limited {
public:
    // A limit of 0 is a limit of 1: a queue that takes nothing would stop its senders for ever.
    explicit LeafQueue(std::size_t max_size) noexcept : max_size_(max_size == 0 ? 1 : max_size) {}

    virtual std::string_view kind() const noexcept = 0;
    std::size_t max_size() const noexcept { return max_size_; }
    // The queue whose default queue this is.
    Queue& queue() const noexcept;

    // Adds the event, or returns what to wait for before trying again. With `force` it is added
    // even if there is no place. Throws std::logic_error if the event is in a queue already.
    Matcher append(Event& event, bool force);

    // Puts back the event that was popped last, at the front, and lets nothing that comes after it
    // leave before it is unblocked. Throws std::logic_error if the event is in a queue.
    void block(Event& event);
    void unblock(Event& event);

    // Calls the function for every event, in no particular order.
    virtual void for_each(const std::function<void(Event&)>& visit) const = 0;

protected:
    // As append, block and unblock, when all else has been done.
    virtual Matcher add(Event& event, bool force) = 0;
    virtual void put_back(Event& event) = 0;
    virtual void release_block(Event& event) = 0;

    // For the kinds. An event is added in this order: look for a place above, `hold` it, link it
    // in, set_can_pop(). What is to be waited for if there is no place above:
    Matcher wait_above();
    // The matcher of a signal of this queue's limit as a whole.
    const Matcher& can_write_matcher();
    Ref<Queue> owner() const noexcept;

    // Takes a reference to the event, and counts it here above.
    void hold(Event& event) noexcept {
        hold_counted(event);
        count_above(1);
    }
    // For kinds that keep some events in another form: one is there more, or less; and an event
    // that has been counted, in its own form.
    void count_above(std::ptrdiff_t change) noexcept;
    void hold_counted(Event& event) noexcept {
        event.retain();
        event.queued_in_ = this;
    }
    void set_blocked(Event& event) noexcept { event.blocked_in_ = this; }
    // Gives back the reference that `hold` took; what is above counts for itself what it takes.
    static Ref<Event> let_go(Event& event) noexcept {
        event.queued_in_ = nullptr;
        return Ref<Event>::adopt(&event);
    }
    static bool blocks(const Event& event) noexcept { return event.blocks_; }
    static void set_blocks(Event& event, bool blocks) noexcept { event.blocks_ = blocks; }
    // Drops an event: that of a queue that is cleared, or at once.
    static void drop(Event& event, QueueSignals& signals) noexcept;
    static void drop(Event& event) noexcept;

    const std::size_t max_size_;

private:
    friend class Queue;
    static void require_not_queued(const Event& event);

    // The entry by which events find their default queue.
    struct Classifier : MatchTree::Entry {
        LeafQueue* queue = nullptr;
    };

    Classifier classifier_;
    Matcher can_write_matcher_;
};

// Makes the default queue of a queue, with a limit.
using LeafQueueFactory = std::function<std::unique_ptr<LeafQueue>(std::size_t max_size)>;

}  // namespace weir
