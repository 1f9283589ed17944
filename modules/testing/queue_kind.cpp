#include "modules/testing/queue_kind.h"

#include <algorithm>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "core/queue/queue.h"

namespace weir {
namespace {

struct Broken {
    std::string promise;
};

void promise(bool kept, const char* what) {
    if (!kept) {
        throw Broken{what};
    }
}

// A queue of the kind below a root, with the model of both.
class QueueTrial {
public:
    QueueTrial(const LeafQueueFactory& factory, const QueueKindOptions& options, std::uint64_t seed)
        : options_(options),
          random_(seed),
          limit_(1 + below(5)),
          limit_above_(below(3) == 0 ? 1 + below(5) : unlimited) {
        QueueOptions root;
        root.max_total = limit_above_;
        root_ = Ref<Queue>(new Queue(root));
        QueueOptions checked;
        checked.max_default = limit_;
        checked.kind = factory;
        queue_ = root_->add("checked", 10, match<ProbeEvent>().make(), checked);
    }

    void operate() {
        switch (below(11)) {
            case 0:
            case 1:
            case 2:
                operation_ = "send";
                send(false);
                break;
            case 3:
                operation_ = "send with force";
                send(true);
                break;
            case 4:
            case 5:
            case 6:
                operation_ = "pop";
                pop(false);
                break;
            case 7:
                operation_ = "pop and block";
                pop(true);
                break;
            case 8:
                operation_ = "unblock";
                unblock();
                break;
            case 9:
                operation_ = "withdraw";
                withdraw();
                break;
            default:
                if (below(20) == 0) {
                    operation_ = "clear";
                    clear();
                }
        }
        compare();
    }

    // Lets everything leave, as receivers would, and destroys the queue.
    void finish() {
        operation_ = "unblock all";
        root_->unblock_all();
        blocked_.clear();
        compare();
        operation_ = "pop until the queue is empty";
        drain();
        promise(!options_.wakes_senders || waiting_.empty(),
                "leaves a sender waiting, although it is empty");
        operation_ = "destroy";
        send(true);
        send(true);
        queue_ = {};
        root_ = {};
        for (const Ref<Event>& event : queued_) {
            promise(event->sole(), "keeps an event when it is destroyed");
        }
    }

    const char* operation() const noexcept { return operation_; }

private:
    struct Waiting {
        Ref<Event> event;
        Matcher signal;
    };

    std::size_t below(std::size_t limit) { return random_() % limit; }
    LeafQueue& leaf() { return queue_->default_queue(); }
    bool is_queued(const Event& event) const {
        return std::ranges::any_of(queued_,
                                   [&](const Ref<Event>& other) { return other.get() == &event; });
    }
    bool is_blocked(const Event& event) const {
        return std::ranges::find(blocked_, &event) != blocked_.end();
    }

    void send(bool force) {
        const Ref<Event> event =
            make_event<ProbeEvent>(numbers_++, below(3), static_cast<std::int64_t>(below(4)));
        event->set_ignorable(false);
        offer(event, force);
    }

    // Sends an event; notes its sender if it must wait.
    void offer(const Ref<Event>& event, bool force) {
        const std::size_t before = queued_.size();
        const Matcher wait = root_->append(*event, force);
        if (wait) {
            promise(!force, "makes the sender of an event wait that is sent with force");
            promise(before != 0, "makes a sender wait, although it is empty");
            promise(!event->queued() && event->sole(),
                    "holds an event whose sender it has told to wait");
            waiting_.push_back({event, wait});
            return;
        }
        promise(force || before < limit_, "takes an event beyond its limit");
        promise(force || before < limit_above_, "takes an event although a queue above is full");
        promise(event->queued_in() == &leaf() && !event->sole(), "does not hold() an event");
        queued_.push_back(event);
        first_after_unblock_ = nullptr;
    }

    void drain() {
        while (!queued_.empty()) {
            promise(pop(false), "lets no event leave, although none blocks");
            compare();
        }
    }

    bool pop(bool block) {
        if (!root_->can_pop()) {
            promise(root_->pop(signals_) == nullptr,
                    "lets an event leave when it says that none may");
            return false;
        }
        const Ref<Event> event = root_->pop(signals_);
        promise(event != nullptr, "lets no event leave when it says that one may");
        promise(is_queued(*event), "lets an event leave that is not in it");
        promise(!is_blocked(*event), "lets a blocked event leave");
        promise(!event->queued(), "still holds an event that has left");
        promise(first_after_unblock_ == nullptr || first_after_unblock_ == event.get(),
                "lets another event leave before the one that was unblocked");
        first_after_unblock_ = nullptr;
        std::erase(queued_, event);
        if (block) {
            put_back(event);
        } else {
            wake_senders();
            promise(!event->queued() && event.get() != nullptr, "takes an event back by itself");
        }
        return true;
    }

    void put_back(const Ref<Event>& event) {
        root_->block(*event, signals_.empty);
        promise(event->queued_in() == &leaf(), "does not hold() an event that is put back");
        queued_.push_back(event);
        blocked_.push_back(event.get());
        promise(!options_.block_stops_all || !root_->can_pop(),
                "lets events leave that a blocked one holds back");
        wake_senders();
    }

    void unblock() {
        if (blocked_.empty()) {
            return;
        }
        Event* const event = blocked_[below(blocked_.size())];
        std::erase(blocked_, event);
        Queue::unblock(*event);
        promise(!options_.block_stops_all || root_->can_pop(),
                "lets no event leave when the one that blocks is unblocked");
        first_after_unblock_ = options_.block_stops_all ? event : nullptr;
    }

    void withdraw() {
        if (queued_.empty()) {
            return;
        }
        const std::size_t which = below(queued_.size());
        Ref<Event> event = queued_[which];
        queued_.erase(queued_.begin() + static_cast<std::ptrdiff_t>(which));
        std::erase(blocked_, event.get());
        first_after_unblock_ = first_after_unblock_ == event.get() ? nullptr : first_after_unblock_;
        promise(Queue::withdraw(*event, signals_) && !event->queued() && event->blocks() == nullptr,
                "still holds an event that was withdrawn");
        promise(event->sole(), "keeps an event that was withdrawn");
        wake_senders();
        offer_again(event);
    }

    // An event that was withdrawn is like a new one.
    void offer_again(const Ref<Event>& event) {
        if (below(2) == 0) {
            offer(event, true);
        }
    }

    void clear() {
        root_->clear(signals_);
        promise(root_->size() == 0, "has events after clear()");
        std::vector<Ref<Event>> dropped = std::exchange(queued_, {});
        blocked_.clear();
        first_after_unblock_ = nullptr;
        wake_senders();
        for (const Ref<Event>& event : dropped) {
            promise(event->sole(), "keeps an event after clear()");
        }
    }

    // As the scheduler does it: one sender after the other, while there is a slot.
    void wake_senders() {
        while (!signals_.serving.empty()) {
            signals_.serving.pop_front().serve_waiters();
        }
        for (const Ref<QueueCanWriteEvent>& signal : std::exchange(signals_.can_write, {})) {
            for (std::size_t tries = waiting_.size(); tries != 0; --tries) {
                const auto place = signal->limit.get()->has_place(*signal);
                const auto woken = std::ranges::find_if(waiting_, [&](const Waiting& waiting) {
                    return waiting.signal.matches_path(*signal) && waiting.signal.judge(*signal);
                });
                if (!place.value_or(true) || woken == waiting_.end()) {
                    break;
                }
                const Waiting sender = *woken;
                waiting_.erase(woken);
                offer(sender.event, false);
            }
        }
        signals_.clear();
        promise(!options_.wakes_senders || !queued_.empty() || waiting_.empty(),
                "gives no signal for a free slot to a sender that waits");
    }

    void compare() {
        promise(leaf().size() == queued_.size(), "has another size() than it has events");
        promise(root_->size() == queued_.size(), "does not count in the queues above");
        promise(root_->can_pop() == leaf().can_pop(), "does not tell the queues above");
        if (blocked_.empty()) {
            promise(leaf().can_pop() == !queued_.empty(),
                    "lets no event leave, although none blocks");
        }
        std::size_t visited = 0;
        root_->for_each([&](Event& event) {
            ++visited;
            promise(is_queued(event), "shows an event in for_each() that is not in it");
        });
        promise(visited == queued_.size(), "does not show each event once in for_each()");
    }

    const QueueKindOptions options_;
    std::mt19937_64 random_;
    const std::size_t limit_;
    const std::size_t limit_above_;
    const char* operation_ = "make";
    std::uint64_t numbers_ = 0;
    QueueSignals signals_;
    std::vector<Ref<Event>> queued_;
    std::vector<Event*> blocked_;  // of these
    const Event* first_after_unblock_ = nullptr;
    std::vector<Waiting> waiting_;
    Ref<Queue> root_;
    Ref<Queue> queue_;
};

}  // namespace

std::string check_queue_kind(const LeafQueueFactory& factory, QueueKindOptions options) {
    for (std::size_t seed = 1; seed <= options.seeds; ++seed) {
        const auto trial = std::make_unique<QueueTrial>(factory, options, seed);
        std::size_t operation = 0;
        try {
            while (operation++ != options.operations) {
                trial->operate();
            }
            trial->finish();
        } catch (const Broken& broken) {
            return "a queue of this kind " + broken.promise + " (seed " + std::to_string(seed) +
                   ", operation " + std::to_string(operation) + ": " + trial->operation() + ")";
        }
    }
    return {};
}

}  // namespace weir
