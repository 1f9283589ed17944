#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/list.h"
#include "core/event/event.h"
#include "core/event/matcher.h"
#include "core/queue/history.h"
#include "core/queue/queue_events.h"
#include "core/queue/ring.h"

namespace weir {

class Queue;
class RoundRobin;

// What takes turns with others of its priority in a queue: a subqueue or the default queue.
class QueueMember : public RingLink<QueueMember> {
public:
    virtual ~QueueMember() = default;

    // The number of events, blocked ones included.
    virtual std::size_t size() const noexcept = 0;
    // Whether there is an event that may leave.
    bool can_pop() const noexcept { return can_pop_; }

protected:
    friend class RoundRobin;
    friend class Queue;

    // Takes the next event out and brings can_pop_ up to date, without a word to what is above.
    // Null if it has dealt with it, for nobody could notice: see Scheduler::notices. Requires
    // can_pop().
    virtual Ref<Event> take(QueueSignals& signals) = 0;
    // Drops all events, and can_pop_ becomes false, without a word to what is above.
    virtual void drop_all(QueueSignals& signals) = 0;
    virtual void unblock_all() = 0;

    // Says whether there is an event that may leave; what is above is told if that has changed.
    void set_can_pop(bool can_pop);

    RoundRobin* turns_ = nullptr;
    bool can_pop_ = false;

private:
    bool in_statistics_ = false;
    std::int64_t served_ = 0;
};

// The members of one priority of a queue. They are served in turn; one that was idle and has been
// served less than its share lately comes back as the next, others as the last.
//
// Most often there is one, which needs no turns: it is only counted how often it was served, so
// that what the others do with that is known when they come.
class RoundRobin : public Link<RoundRobin> {
public:
    RoundRobin(Queue& queue, int priority) noexcept : queue_(queue), priority_(priority) {}
    RoundRobin(const RoundRobin&) = delete;
    RoundRobin& operator=(const RoundRobin&) = delete;

    int priority() const noexcept { return priority_; }
    Queue& queue() const noexcept { return queue_; }
    bool can_pop() const noexcept { return only_ != nullptr ? only_->can_pop() : !ready_.empty(); }

    // Makes the next so many add()s ones that do not fail.
    void make_room(std::size_t members = 1);
    // On failure nothing has changed.
    void add(QueueMember& member);
    void remove(QueueMember& member) noexcept;
    // Lets go of a member that is about to be destroyed.
    void forget(QueueMember& member) noexcept;

    // As those of the members, without a word to what is above.
    Ref<Event> take(QueueSignals& signals);
    void drop_all(QueueSignals& signals);
    void unblock_all();

    // A member reports: some events were taken.
    void after_pop(QueueMember& member, std::size_t count, QueueSignals& signals);
    // Whether a member has an event that may leave has changed: tells all above it whom that
    // concerns.
    static void can_pop_changed(QueueMember& member);

private:
    friend class Queue;
    Ref<Event> take_in_turn(QueueSignals& signals);
    void begin_turns() noexcept;
    void count(QueueMember& member) noexcept;
    void count_served(QueueMember& member) noexcept;
    // Of how many events served lately the members are counted.
    std::size_t most_counted() const noexcept { return 10 * members_.size() + 10; }
    void activate(QueueMember& member) noexcept;
    bool tell();

    Queue& queue_;
    const int priority_;
    bool listed_ = false;  // among those of the queue that can pop
    // The first member, as long as there has been no other, and how often it was served, of those
    // events that are counted.
    QueueMember* only_ = nullptr;
    std::size_t only_served_ = 0;
    Ring<QueueMember> ready_;
    std::vector<QueueMember*> members_;
    History<QueueMember*> lately_;
    std::size_t in_statistics_ = 0;  // members with a count of how often they were served lately
};

inline Ref<Event> RoundRobin::take(QueueSignals& signals) {
    if (only_ == nullptr) [[unlikely]] {
        return take_in_turn(signals);
    }
    Ref<Event> event = only_->take(signals);
    only_served_ += only_served_ < most_counted() ? 1U : 0U;
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
