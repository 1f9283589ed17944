#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ref.h"
#include "core/event/match_tree.h"
#include "core/event/matcher.h"
#include "core/event/type_cache.h"
#include "core/queue/leaf_queue.h"
#include "core/queue/queue_member.h"

namespace weir {

/// How a queue is made.
struct QueueOptions {
    std::size_t max_default = unlimited;  ///< limit of the default queue; 0 is 1
    std::size_t max_total = unlimited;    ///< limit of the queue with all below it; 0 is 1
    LeafQueueFactory kind = {};           ///< of the default queue; default: FifoQueue
    int default_priority = 0;             ///< of the default queue, among the subqueues
};

/// A tree of queues, through which all events of a scheduler go. It decides which event is
/// processed next, and which sender has to wait.
///
/// Each queue has a default queue, which holds events, and subqueues, each with a matcher and a
/// priority. An event goes into the most specific subqueue that matches it, or else into the
/// default queue. The event of the highest priority leaves first; queues of equal priority take
/// turns.
///
/// Two limits may stop a sender: that of the default queue, and that of the queue with all below
/// it. A blocked event holds back only the events behind it in its own default queue.
///
/// Belongs to one thread. A queue that has been removed stays valid while it is referred to; events
/// that are sent to it go to its parent.
class Queue final : public QueueMember, public Limited, public RefCounted<Queue> {
public:
    /// Makes a root.
    explicit Queue(QueueOptions options = {});
    ~Queue() override;

    /// Returns the name; empty if the queue has none.
    const std::string& name() const noexcept { return name_; }
    /// Returns the queue whose subqueue this is; null for a root, and once it has been removed.
    Queue* parent() const noexcept;
    /// Returns the priority in the parent; 0 for a root.
    int priority() const noexcept;
    const Matcher& matcher() const noexcept { return matcher_; }
    LeafQueue& default_queue() const noexcept { return *default_queue_; }
    int default_priority() const noexcept;
    std::size_t max_total() const noexcept { return max_total_; }
    std::size_t size() const noexcept override { return size_; }
    /// Returns how many events have left the queue since it was made.
    std::uint64_t popped() const noexcept { return popped_; }
    bool removed() const noexcept { return node_ == nullptr; }

    /// Adds the event to the queue that takes it. Returns an empty matcher, or, if that is full,
    /// the matcher of the signal to wait for before trying again. With `force` limits do not count.
    /// Throws std::logic_error if the event is in a queue already.
    Matcher append(Event& event, bool force = false);

    /// Returns the default queue that takes all events of a type, if that is known; null otherwise.
    /// Requires that this is a root.
    LeafQueue* known_taker(const EventType& type) const noexcept {
        return own_directory_->known_taker(type);
    }

    /// Removes the next event, and returns it. Appends the signals of that to `signals`. Throws
    /// std::logic_error unless can_pop().
    Ref<Event> pop(QueueSignals& signals);

    /// Puts back the event that was popped last, in front of the events that would come after it,
    /// and holds those back until the event is unblocked. `emptied` are the signals of its pop:
    /// waiters for an empty queue go on waiting. Throws std::logic_error if the event is in a
    /// queue.
    void block(Event& event, const std::vector<Ref<QueueIsEmptyEvent>>& emptied = {});
    /// Lets the event leave again; does nothing if it does not block.
    static void unblock(Event& event);
    /// Lets all blocked events of the queue and of all below it leave again.
    void unblock_all() override;

    /// Drops all events of the queue and of all below it. They are destroyed last: events that
    /// their destructors send find the queue empty and consistent.
    void clear(QueueSignals& signals);

    /// Returns an empty matcher if the queue, with all below it, is empty; otherwise the matcher of
    /// the signal that is given when it has become empty.
    Matcher wait_for_empty();

    /// Adds a subqueue for the events that match. A larger priority is served first. Of two queues
    /// with equal matchers, the older one takes the events. Throws std::invalid_argument if the
    /// name, unless empty, is taken, if the matcher has a predicate, or if this queue has been
    /// removed.
    Ref<Queue> add(std::string name, int priority, Matcher matcher, QueueOptions options = {});

    /// Removes a subqueue. Its events are unblocked and go back to this queue, whatever its limits;
    /// events that are sent to it from now on do too. Throws std::invalid_argument if it is not a
    /// subqueue of this queue.
    void remove(Queue& subqueue, QueueSignals& signals);

    /// Changes the priority of a subqueue. Throws std::invalid_argument if it is not a subqueue of
    /// this queue.
    void set_priority(Queue& subqueue, int priority);
    /// Reserves memory so that the next so many set_priority() to this priority cannot fail.
    void make_room(int priority, std::size_t subqueues) { turns_of(priority).make_room(subqueues); }

    /// Returns the subqueue of that name, or null.
    Queue* find(std::string_view name) const noexcept;
    /// Returns the subqueues, oldest first.
    const std::vector<Ref<Queue>>& subqueues() const noexcept { return subqueues_; }

    /// Calls the function for every event of the queue and of all below it. The visits may change
    /// the events, but not the queues.
    void for_each(const std::function<void(Event&)>& visit);

    std::optional<bool> has_place(const QueueCanWriteEvent& signal) override;

private:
    friend class RoundRobin;
    friend class LeafQueue;

    // Which queue of a whole tree of queues takes an event. One for each root.
    struct Directory {
        MatchTree tree;
        TypeCache<LeafQueue*> known;  // of types whose events all go to the same queue

        LeafQueue& find(const Event& event);
        LeafQueue* known_taker(const EventType& type) const noexcept {
            LeafQueue* const* const leaf = known.find(type);
            return leaf != nullptr ? *leaf : nullptr;
        }
        void changed() noexcept { known.clear(); }
    };

    Queue(std::string name, Matcher matcher, QueueOptions options);

    Ref<Event> take(QueueSignals& signals) override;
    void drop_all(QueueSignals& signals) override;

    RoundRobin& turns_of(int priority);
    void require_own(const Queue& subqueue) const;
    Queue& in_tree();
    LeafQueue& leaf_for(const Event& event);
    void enter(Directory& directory, MatchTree::Node& node) noexcept;
    void leave_tree() noexcept;
    void signal_place(QueueSignals& signals);
    Matcher wait_for_place();

    // Called by the priorities: events were taken; whether there is one that may leave has changed.
    void after_pop(std::size_t count, QueueSignals& signals);
    bool list(RoundRobin& turns, bool can_pop) noexcept;

    std::string name_;
    Matcher matcher_;
    std::unique_ptr<Directory> own_directory_;  // null unless this is a root
    Directory* directory_ = nullptr;
    MatchTree::Node* node_ = nullptr;  // where the matchers of this queue end; null once removed
    Ref<Queue> removed_from_;
    std::vector<std::unique_ptr<RoundRobin>> priorities_;  // in order of their first use
    List<RoundRobin> ready_;  // with events that may leave, the highest priority first
    std::unique_ptr<LeafQueue> default_queue_;
    std::vector<Ref<Queue>> subqueues_;
    std::size_t size_ = 0;
    const std::size_t max_total_;
    std::uint64_t popped_ = 0;
    bool waited_ = false;  // a sender waits for a free slot
    bool waited_for_empty_ = false;
    Matcher can_write_matcher_;
};

}  // namespace weir
