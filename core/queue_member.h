#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/event.h"
#include "core/history.h"
#include "core/matcher.h"
#include "core/queue_events.h"
#include "core/ring.h"

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
    virtual bool can_pop() const noexcept = 0;

protected:
    friend class RoundRobin;
    friend class Queue;

    // Takes the next event out, without a word to what is above. Requires can_pop().
    virtual Ref<Event> take(QueueSignals& signals) = 0;
    // Drops all events, without a word to what is above.
    virtual void drop_all(QueueSignals& signals) = 0;
    virtual void unblock_all() = 0;

    RoundRobin* turns_ = nullptr;
    bool blocked_ = false;  // as told to what is above

private:
    bool in_statistics_ = false;
    std::int64_t served_ = 0;
};

// The members of one priority of a queue. They are served in turn; one that was idle and has been
// served less than its share lately comes back as the next, others as the last.
class RoundRobin {
public:
    RoundRobin(Queue& queue, int priority) noexcept : queue_(queue), priority_(priority) {}
    RoundRobin(const RoundRobin&) = delete;
    RoundRobin& operator=(const RoundRobin&) = delete;

    int priority() const noexcept { return priority_; }
    Queue& queue() const noexcept { return queue_; }
    bool can_pop() const noexcept { return !ready_.empty(); }

    // Makes the next add() one that does not fail.
    void make_room();
    // On failure nothing has changed.
    void add(QueueMember& member);
    void remove(QueueMember& member) noexcept;
    // Lets go of a member that is about to be destroyed.
    void forget(QueueMember& member) noexcept;

    Ref<Event> take(QueueSignals& signals);
    void drop_all(QueueSignals& signals);
    void unblock_all();

    // The members report: an event is about to be added (which returns what to wait for, if there
    // is no place further up), some were taken, whether there is one to pop has changed.
    Matcher before_append(QueueMember& member, bool force);
    void after_pop(QueueMember& member, std::size_t count, QueueSignals& signals);
    void blocked_changed(QueueMember& member);

private:
    friend class Queue;
    void activate(QueueMember& member);
    void update_blocked();

    Queue& queue_;
    const int priority_;
    Ring<QueueMember> ready_;
    std::vector<QueueMember*> members_;
    History<QueueMember*> lately_;
    std::size_t in_statistics_ = 0;  // members with a count of how often they were served lately
    bool blocked_ = true;            // as told to the queue
};

}  // namespace weir
