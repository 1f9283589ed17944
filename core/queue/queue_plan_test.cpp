#include "core/queue/queue_plan.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "core/queue/fair_queue.h"
#include "core/queue/priority_queue.h"
#include "tests/support/queue_events.h"

namespace weir {

namespace {

using namespace queue_test;

// A tree of queues, and what a program does with it. Two of them that do the same must tell the
// same, whether their trees are compiled or not.
class Tree {
public:
    explicit Tree(QueueOptions options) : root_(make_root(std::move(options))), queues_{root_} {}

    std::size_t size() const { return queues_.size(); }
    bool removed(std::size_t queue) const { return queues_[queue]->removed(); }

    std::string append(std::size_t to, const Ref<Job>& event, bool force) {
        const Matcher wait = queues_[to]->append(*event, force);
        return wait ? "full: " + name_of(wait) : "in";
    }
    std::string pop(std::size_t from) {
        if (!queues_[from]->can_pop()) {
            return "nothing";
        }
        QueueSignals signals;
        last_ = queues_[from]->pop(signals);
        emptied_ = signals.empty;
        return std::to_string(id_of(*last_)) + told(signals);
    }
    std::string block() {
        if (last_ == nullptr || last_->queued()) {
            return "nothing to block";
        }
        root_->block(*last_, emptied_);
        blocked_.push_back(last_);
        return "blocked";
    }
    std::string unblock(std::size_t number) {
        if (blocked_.empty()) {
            return "nothing is blocked";
        }
        const auto at = blocked_.begin() + static_cast<std::ptrdiff_t>(number % blocked_.size());
        Queue::unblock(**at);
        blocked_.erase(at);
        return "unblocked";
    }
    std::string wait_for_empty(std::size_t queue) {
        return queues_[queue]->wait_for_empty() ? "waits" : "is empty";
    }
    void add(std::size_t to, int priority, Matcher matcher, QueueOptions options) {
        queues_.push_back(queues_[to]->add({}, priority, std::move(matcher), std::move(options)));
    }
    std::string remove(std::size_t queue) {
        QueueSignals signals;
        queues_[queue]->parent()->remove(*queues_[queue], signals);
        return told(signals);
    }
    void set_priority(std::size_t queue, int priority) {
        queues_[queue]->parent()->set_priority(*queues_[queue], priority);
    }
    std::string clear(std::size_t queue) {
        QueueSignals signals;
        queues_[queue]->clear(signals);
        return told(signals);
    }
    std::string look() const {
        std::string text;
        for (const auto& queue : queues_) {
            text += std::to_string(queue->size()) + '/' + std::to_string(queue->popped()) +
                    (queue->can_pop() ? "! " : " ");
        }
        return text;
    }

private:
    std::string number_of(const Queue* queue) const {
        const auto at = std::find_if(queues_.begin(), queues_.end(),
                                     [&](const auto& one) { return one.get() == queue; });
        return std::to_string(at - queues_.begin());
    }
    // The number of the queue whose limit it is: "d" for that of its default queue.
    std::string name_of(const Matcher& wait) const {
        const IndexValue& limit = wait.path()[1];
        for (const auto& queue : queues_) {
            if (IndexValue(static_cast<Limited*>(queue.get())) == limit) {
                return number_of(queue.get());
            }
            if (IndexValue(static_cast<Limited*>(&queue->default_queue())) == limit) {
                return number_of(queue.get()) + 'd';
            }
        }
        return "?";
    }
    std::string told(const QueueSignals& signals) const {
        std::string text;
        for (const auto& signal : signals.can_write) {
            const Limited* const own = signal->queue.get();
            text += (signal->limit.get() == own ? " place " : " default place ") +
                    number_of(signal->queue.get());
        }
        for (const auto& signal : signals.empty) {
            text += " empty " + number_of(signal->queue.get());
        }
        return text;
    }

    Ref<Queue> root_;
    std::vector<Ref<Queue>> queues_;
    Ref<Event> last_;
    std::vector<Ref<QueueIsEmptyEvent>> emptied_;
    std::vector<Ref<Event>> blocked_;
};

class Programs {
public:
    explicit Programs(unsigned seed) : random_(seed) {}

    unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
    bool happens(unsigned percent) { return below(100) < percent; }
    std::string kind() { return std::string(1, static_cast<char>('a' + below(3))); }

    QueueOptions options() {
        QueueOptions options{.max_default = happens(20) ? 1 + below(4) : unlimited,
                             .max_total = happens(20) ? 1 + below(6) : unlimited,
                             .kind = {},
                             .default_priority = static_cast<int>(below(3)),
                             .compiled = true};
        switch (below(5)) {
            case 0:
                options.kind = PriorityQueue::factory();
                break;
            case 1:
                options.kind = FairQueue::factory({.key = EventKey::named("number")});
                break;
            default:
                break;
        }
        return options;
    }

    Matcher matcher() {
        switch (below(3)) {
            case 0:
                return match<Job>(kind()).make();
            case 1:
                return match<Job>(any, static_cast<int>(below(3))).make();
            default:
                return match<Job>(kind(), static_cast<int>(below(3))).make();
        }
    }

private:
    std::mt19937 random_;
};

}  // namespace

TEST_CASE("a compiled tree of queues tells what the tree itself would tell", "[queue_plan]") {
    for (unsigned seed = 1; seed != 400; ++seed) {
        Programs random(seed);
        QueueOptions options = random.options();
        Tree compiled(options);
        options.compiled = false;
        Tree literal(options);
        const bool changes = random.happens(70);  // or else the shape stays after a while
        const auto both = [&](const auto& act) {
            const std::string one = act(compiled);
            const std::string other = act(literal);
            INFO("seed " << seed);
            REQUIRE(one == other);
        };
        for (int step = 0; step != 400; ++step) {
            const std::size_t queue = random.below(static_cast<unsigned>(compiled.size()));
            const unsigned percent = random.below(100);
            if (percent < 8 && compiled.size() < 20 && !compiled.removed(queue)) {
                if (!changes && step > 100) {
                    continue;
                }
                const int priority = static_cast<int>(random.below(3));
                const Matcher matcher = random.matcher();
                const QueueOptions of_queue = random.options();
                compiled.add(queue, priority, matcher, of_queue);
                literal.add(queue, priority, matcher, of_queue);
            } else if (percent < 50) {
                const std::string kind = random.kind();
                const int number = static_cast<int>(random.below(3));
                const int rank = static_cast<int>(random.below(4));
                const bool force = random.happens(20);
                const std::size_t to = random.happens(90) ? 0 : queue;
                both([&](Tree& tree) {
                    return tree.append(to, job(kind, number, step, rank), force);
                });
            } else if (percent < 85) {
                const std::size_t from = random.happens(95) ? 0 : queue;
                both([&](Tree& tree) { return tree.pop(from); });
            } else if (percent < 89) {
                both([&](Tree& tree) { return tree.block(); });
            } else if (percent < 92) {
                const unsigned which = random.below(1000);
                both([&](Tree& tree) { return tree.unblock(which); });
            } else if (percent < 93) {
                both([&](Tree& tree) { return tree.wait_for_empty(queue); });
            } else if (percent < 94 && random.happens(30)) {
                both([&](Tree& tree) { return tree.clear(queue); });
            } else if (percent < 96 && changes && queue != 0 && !compiled.removed(queue)) {
                const int priority = static_cast<int>(random.below(3));
                compiled.set_priority(queue, priority);
                literal.set_priority(queue, priority);
            } else if (percent < 97 && changes && queue != 0 && !compiled.removed(queue)) {
                both([&](Tree& tree) { return tree.remove(queue); });
            } else if (percent < 98) {
                compiled.look();  // to look at one of them changes nothing
            } else {
                both([](Tree& tree) { return tree.look(); });
            }
        }
        for (int i = 0; i != 1000; ++i) {
            both([](Tree& tree) { return tree.pop(0); });
        }
        both([](Tree& tree) { return tree.look(); });
    }
}

TEST_CASE("a plan has as many slots as there are priorities", "[queue_plan]") {
    const auto root = make_root();
    std::vector<int> expected;
    constexpr int queues = 5000;
    for (int i = 0; i != queues; ++i) {
        root->add({}, i, match<Job>("a", i).make());
    }
    for (int i = 0; i != queues; ++i) {
        const int id = i * 7 % queues;
        append(*root, job("a", id, id));
    }
    for (int i = queues; i-- != 0;) {
        REQUIRE(pop(*root) == i);
    }
    CHECK_FALSE(root->can_pop());
}

TEST_CASE("a queue that comes, serves and goes leaves those of other priorities alone",
          "[queue_plan]") {
    const auto root = make_root();
    const auto a = root->add("a", 1, jobs("a"));
    for (int i = 0; i != 100; ++i) {
        const auto b = root->add("b", 2, jobs("b"));
        append(*root, job("a", 1, 1));
        append(*root, job("b", 1, 2));
        CHECK(pop_all(*root) == Ids{2, 1});
        QueueSignals signals;
        root->remove(*b, signals);
        append(*root, job("b", 1, 3));
        CHECK(pop_all(*root) == Ids{3});
    }
    CHECK(root->popped() == 300);
    CHECK(a->popped() == 100);
}

}  // namespace weir
