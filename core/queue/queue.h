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
    /// Of a root: whether the tree is compiled (QueuePlan). Without that each priority takes its
    /// turns and each queue counts its events, which tests compare: all else is the same.
    bool compiled = true;
};

/// What must hold for an event that passes by its queue; see Queue::pass_by().
enum class PassBy {
    first_of_its_kind,  ///< it overtakes no event that its default queue keeps in order with it
    next_of_all,        ///< it would also be the next event to leave the tree
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
    Queue* parent() const noexcept { return turns_ == nullptr ? nullptr : &turns_->queue(); }
    /// Returns the priority in the parent; 0 for a root.
    int priority() const noexcept;
    const Matcher& matcher() const noexcept { return matcher_; }
    LeafQueue& default_queue() const noexcept { return *default_queue_; }
    int default_priority() const noexcept;
    std::size_t max_total() const noexcept { return max_total_; }
    std::size_t size() const noexcept override;
    /// Returns how many events have left the queue since it was made.
    std::uint64_t popped() const noexcept override;
    bool can_pop() const noexcept override {
        return is_root() ? own_plan_->fresh().any() : can_pop_below();
    }
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

    /// Removes the next event, and returns it; null if there is none that may leave. Appends the
    /// signals of that to `signals`.
    Ref<Event> pop(QueueSignals& signals);

    /// Lets an event pass by: counts it as one that has left the default queue that takes it, if it
    /// could enter that queue now and leave it as `how` says. Returns whether it did; if not,
    /// nothing has changed. The event itself enters no queue. Requires that this is a root.
    bool pass_by(const Event& event, PassBy how);

    /// Puts back the event that was popped last, in front of the events that would come after it,
    /// and holds those back until the event is unblocked. `emptied` are the signals of its pop:
    /// waiters for an empty queue go on waiting. Throws std::logic_error if the event is in a
    /// queue.
    void block(Event& event, const std::vector<Ref<QueueIsEmptyEvent>>& emptied = {});
    /// Lets the event leave again; does nothing if it does not block.
    static void unblock(Event& event);
    /// Takes an event, which the caller keeps, out of its queue before its turn; returns false if
    /// it is in none. Throws as LeafQueue::withdraw().
    static bool withdraw(Event& event, QueueSignals& signals);
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
    void make_room(int priority, std::size_t subqueues);

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
    friend class QueuePlan;

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

    Ref<Event> serve(QueueSignals& signals) override;
    void drop_all(QueueSignals& signals) override;
    void prepare_plan() override;
    void begin_plan() noexcept override;

    // Whether it is the root of a tree, from which events are popped.
    bool is_root() const noexcept { return turns_ == nullptr && own_plan_ != nullptr; }
    // The plan in which its events have slots; null if only its default queue can have events, or
    // if it has been removed.
    QueuePlan* plan() const noexcept {
        return turns_ == nullptr || turns_->shared() ? own_plan_.get() : plan_;
    }
    std::size_t slots() const noexcept;
    void put_in_plan(Queue& subqueue) noexcept;
    void leave_plan() noexcept;
    bool can_pop_below() const noexcept;
    Ref<Event> pop_out_of_turn(QueueSignals& signals);
    void leave_parent(Queue* nearest) noexcept;
    void make_plan();
    QueuePlan& need_plan();

    RoundRobin& turns_of(int priority);
    void require_own(const Queue& subqueue) const;
    Queue& in_tree();
    LeafQueue& leaf_for(const Event& event);
    bool would_be_next(const LeafQueue& leaf) const noexcept;
    void enter(Directory& directory, MatchTree::Node& node) noexcept;
    void leave_tree() noexcept;
    void signal_place(QueueSignals& signals);
    Matcher wait_for_place();

    // Lets the queue count its events from now on, so that size_ is size().
    void start_counting() noexcept;
    void set_counting_above(Queue* queue) noexcept;
    // Counts events that have left, in the queue and in those above that count.
    [[gnu::noinline]] static void count_out(Queue* queue, std::size_t count, QueueSignals& signals);

    const bool compiled_;
    std::string name_;
    Matcher matcher_;
    std::unique_ptr<Directory> own_directory_;  // null unless this is a root
    Directory* directory_ = nullptr;
    MatchTree::Node* node_ = nullptr;  // where the matchers of this queue end; null once removed
    Ref<Queue> removed_from_;
    std::vector<std::unique_ptr<RoundRobin>> priorities_;  // in order of their first use
    List<RoundRobin> by_priority_;                         // the highest first
    std::unique_ptr<LeafQueue> default_queue_;
    std::vector<Ref<Queue>> subqueues_;
    // Of a root and of a queue that shares its priority; null if that has no subqueues.
    std::unique_ptr<QueuePlan> own_plan_;
    QueuePlan* plan_ = nullptr;  // the plan that it was compiled into, and its slots there
    std::size_t first_slot_ = 0;
    std::size_t end_slot_ = 0;
    std::size_t size_ = 0;  // while it counts
    const std::size_t max_total_;
    bool counts_ = false;
    Queue* counting_above_ = nullptr;  // the first queue above that counts
    // What has left, less what has left the default queue and the subqueues that there are.
    std::uint64_t left_otherwise_ = 0;
    bool waited_ = false;  // a sender waits for a free slot
    bool waited_for_empty_ = false;
    Matcher can_write_matcher_;
};

}  // namespace weir
