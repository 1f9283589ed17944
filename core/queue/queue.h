#pragma once

#include <array>
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
#include "core/queue/leaf_queue.h"
#include "core/queue/queue_member.h"

namespace weir {

// How a queue is made.
struct QueueOptions {
    std::size_t max_default = unlimited;  // limit of the default queue
    std::size_t max_total = unlimited;    // limit of the queue with all below it; 0 is 1
    LeafQueueFactory kind = {};           // the default queue's; default: FifoQueue
    int default_priority = 0;             // of the default queue, among the subqueues
};

// A tree of queues. Each has a default queue, and subqueues with a matcher and a priority; an
// event goes into the most specific subqueue that matches it, or else into the default queue. The
// event of the highest priority leaves first; between equals the queues take turns.
//
// Two limits may stop a sender: that of the default queue, and that of the queue with all below
// it. A blocked event holds back only what is behind it in its own default queue.
//
// Belongs to one thread. A queue that has been removed stays valid while it is referred to; what
// is sent to it goes to its parent.
class Queue final : public QueueMember, public Limited, public RefCounted<Queue> {
public:
    // A root.
    explicit Queue(QueueOptions options = {});
    ~Queue() override;

    const std::string& name() const noexcept { return name_; }  // empty if it has none
    Queue* parent() const noexcept;
    int priority() const noexcept;  // in its parent; 0 for a root
    const Matcher& matcher() const noexcept { return matcher_; }
    LeafQueue& default_queue() const noexcept { return *default_queue_; }
    int default_priority() const noexcept;
    std::size_t max_total() const noexcept { return max_total_; }
    std::size_t size() const noexcept override { return size_; }
    std::uint64_t popped() const noexcept { return popped_; }  // events that left, in all
    bool removed() const noexcept { return node_ == nullptr; }

    // Adds the event to the queue that is to have it. Returns an empty matcher, or, if there is no
    // place, the matcher of the signal to wait for before trying again. With `force` it is added
    // even if there is no place. Throws std::logic_error if the event is in a queue already.
    Matcher append(Event& event, bool force = false);

    // The default queue that takes an event, and whether it takes all of the event's type. Of a
    // root.
    struct Taker {
        LeafQueue* queue = nullptr;
        bool of_all = false;
    };
    Taker taker(const Event& event) const { return own_directory_->taker(event); }
    // The one that takes all events of a type, if that is known; null otherwise. Of a root.
    LeafQueue* known_taker(const EventType& type) const noexcept {
        return own_directory_->known_taker(type);
    }
    // Another number each time that an event may have another taker. Of a root.
    std::uint64_t shape() const noexcept { return own_directory_->shape; }

    // Takes the next event out; what that sets off is appended to `signals`. Null if its queue has
    // dealt with it, for nobody could notice that it leaves: QueueMember::take. Throws
    // std::logic_error unless can_pop().
    Ref<Event> pop(QueueSignals& signals);

    // Puts back the event that was popped last, in front of what would come after it, and holds
    // that back until the event is unblocked. `emptied` are the signals of its pop: who waits for
    // a queue to be empty goes on waiting. Throws std::logic_error if the event is in a queue.
    void block(Event& event, const std::vector<Ref<QueueIsEmptyEvent>>& emptied = {});
    // Lets the event leave again; nothing happens if it does not block.
    static void unblock(Event& event);
    // Lets all blocked events of the queue and all below it leave again.
    void unblock_all() override;

    // Drops all events of the queue and of all below it. They go last, so that what their
    // destructors send finds the queue empty and in order.
    void clear(QueueSignals& signals);

    // An empty matcher if the queue, with all below it, is empty, or the matcher of the signal
    // that it is.
    Matcher wait_for_empty();

    // Adds a subqueue for the events that match, a larger priority going first. The matcher has no
    // predicate. Of two queues with equal matchers, the older takes the events. Throws
    // std::invalid_argument if the name, unless empty, is taken or the matcher has a predicate.
    Ref<Queue> add(std::string name, int priority, Matcher matcher, QueueOptions options = {});

    // Removes a subqueue; its events, unblocked, go back to this queue, whatever its limits, and
    // what is sent from now on too. Throws std::invalid_argument if it is not a subqueue of this.
    void remove(Queue& subqueue, QueueSignals& signals);

    // Gives the subqueue another priority. Throws std::invalid_argument as `remove`.
    void set_priority(Queue& subqueue, int priority);
    // Makes the next so many set_priority() to this one do without memory.
    void make_room(int priority, std::size_t subqueues) { turns_of(priority).make_room(subqueues); }

    // The subqueue of that name, or null.
    Queue* find(std::string_view name) const noexcept;
    // The subqueues, oldest first.
    const std::vector<Ref<Queue>>& subqueues() const noexcept { return subqueues_; }

    // Calls the function for every event of the queue and of all below it.
    void for_each(const std::function<void(Event&)>& visit) const;

    std::optional<bool> has_place(const QueueCanWriteEvent& signal) override;

private:
    friend class RoundRobin;
    friend class LeafQueue;

    // Which queue of a whole tree of queues takes an event.
    struct Directory {
        MatchTree tree;
        // Of some types whose events all go to the same queue, by the type's id: the queue.
        struct Known {
            std::uint64_t type = 0;
            LeafQueue* leaf = nullptr;
        };
        std::array<Known, 16> known;

        std::uint64_t shape = 1;

        LeafQueue& find(const Event& event);
        LeafQueue* known_taker(const EventType& type) const noexcept {
            const Known& remembered = known[type.id() % known.size()];
            return remembered.type == type.id() ? remembered.leaf : nullptr;
        }
        Taker taker(const Event& event) {
            LeafQueue& leaf = find(event);
            return {&leaf, known_taker(event.type()) == &leaf};
        }
        void changed() noexcept {
            known = {};
            ++shape;
        }
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

    // The priorities report: events were taken; whether there is one that may leave has changed.
    void after_pop(std::size_t count, QueueSignals& signals);
    bool list(RoundRobin& turns, bool can_pop) noexcept;

    std::string name_;
    Matcher matcher_;
    std::unique_ptr<Directory> own_directory_;  // of a root
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
    bool waited_ = false;  // a sender waits for a place
    bool waited_for_empty_ = false;
    Matcher can_write_matcher_;
};

}  // namespace weir
