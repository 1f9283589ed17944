#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "core/queue/fair_queue.h"
#include "core/queue/queue.h"
#include "tests/support/queue_events.h"

// Events that pass by their queue: Queue::pass_by().
namespace weir {

namespace {

using namespace queue_test;

// A fair queue for "a", by number, before one of the same kind for "b" of a lower priority.
struct Tree {
    explicit Tree(bool compiled, QueueOptions of_a = {}) : root(make_root({.compiled = compiled})) {
        of_a.kind = FairQueue::factory({.key = EventKey::named("number"), .subqueue_limit = 2});
        a = root->add("a", 5, jobs("a"), std::move(of_a));
        b = root->add("b", 4, jobs("b"));
    }
    bool passes(const char* kind, int number, PassBy how = PassBy::first_of_its_kind) const {
        return root->pass_by(*job(kind, number, 0), how);
    }

    Ref<Queue> root;
    Ref<Queue> a;
    Ref<Queue> b;
};

}  // namespace

TEST_CASE("an event that passes by its queue counts there as one that has left", "[queue]") {
    const Tree tree(GENERATE(true, false));
    CHECK(tree.passes("a", 1));
    CHECK(tree.passes("a", 1, PassBy::next_of_all));
    CHECK(tree.passes("b", 1));
    CHECK(tree.a->popped() == 2);
    CHECK(tree.b->popped() == 1);
    CHECK(tree.root->popped() == 3);
    CHECK(tree.root->size() == 0);
    CHECK_FALSE(tree.root->can_pop());
}

TEST_CASE("an event overtakes none of its own class", "[queue]") {
    const Tree tree(GENERATE(true, false));
    tree.root->append(*job("a", 1, 1));
    CHECK_FALSE(tree.passes("a", 1));
    CHECK(tree.passes("a", 2));
    CHECK(pop(*tree.root) == 1);
    CHECK(tree.passes("a", 1));
    // In a queue of another kind all events are in order.
    tree.root->append(*job("b", 1, 2));
    CHECK_FALSE(tree.passes("b", 2));
}

TEST_CASE("an event is the next of all if no queue before its own is ready", "[queue]") {
    const Tree tree(GENERATE(true, false));
    tree.root->append(*job("b", 1, 1));
    CHECK(tree.passes("a", 1, PassBy::next_of_all));
    tree.root->append(*job("a", 1, 2));
    CHECK_FALSE(tree.passes("a", 2, PassBy::next_of_all));  // it would be in the same queue
    CHECK(pop(*tree.root) == 2);
    CHECK_FALSE(tree.passes("b", 2, PassBy::next_of_all));
    CHECK(pop(*tree.root) == 1);
    CHECK(tree.passes("b", 2, PassBy::next_of_all));
    tree.root->append(*job("a", 1, 3));
    CHECK_FALSE(tree.passes("b", 2, PassBy::next_of_all));
    CHECK(tree.passes("b", 2));
}

TEST_CASE("of queues that share a priority, none is surely the next if another is ready",
          "[queue]") {
    const Tree tree(GENERATE(true, false));
    const Ref<Queue> beside = tree.root->add("c", 5, jobs("c"));
    CHECK(tree.passes("a", 1, PassBy::next_of_all));
    tree.root->append(*job("c", 1, 1));
    CHECK_FALSE(tree.passes("a", 1, PassBy::next_of_all));
    CHECK(pop(*tree.root) == 1);
    CHECK(tree.passes("a", 1, PassBy::next_of_all));
    CHECK(tree.passes("c", 1, PassBy::next_of_all));
}

TEST_CASE("a blocked event holds back its own class only", "[queue]") {
    const Tree tree(GENERATE(true, false));
    const Ref<Job> blocked = job("a", 1, 1);
    tree.root->append(*blocked);
    CHECK(pop(*tree.root) == 1);
    tree.root->block(*blocked);
    CHECK_FALSE(tree.passes("a", 1, PassBy::next_of_all));
    CHECK(tree.passes("a", 2, PassBy::next_of_all));
}

TEST_CASE("no event passes by a queue that would make its sender wait", "[queue]") {
    SECTION("the limit of the default queue") {
        const Tree tree(GENERATE(true, false), {.max_default = 3});
        tree.root->append(*job("a", 1, 1));
        CHECK(tree.passes("a", 2));
        tree.root->append(*job("a", 2, 2));
        CHECK_FALSE(tree.passes("a", 3));  // the last slot is kept
    }
    SECTION("the limit of the queue with all below it") {
        const Tree tree(GENERATE(true, false), {.max_total = 2});
        tree.root->append(*job("a", 1, 1));
        CHECK(tree.passes("a", 2));
        tree.root->append(*job("a", 2, 2));
        CHECK_FALSE(tree.passes("a", 3));
        CHECK(pop(*tree.root) == 1);
        CHECK(tree.passes("a", 3));
    }
}

TEST_CASE("at random: an event that may pass by would have entered and left its queue at once",
          "[queue]") {
    const bool compiled = GENERATE(true, false);
    const auto seed = GENERATE(range(0U, 20U));
    CAPTURE(compiled, seed);
    std::mt19937 random(seed);
    const auto below = [&random](unsigned count) { return static_cast<int>(random() % count); };
    const Tree tree(compiled, {.max_default = 6, .max_total = 8});
    Queue& root = *tree.root;
    root.add("c", 5, jobs("c"), {.max_default = 4});
    tree.b->add("inner", 1, match<Job>("b", 1).make());
    std::vector<Ref<Event>> blocked;
    int passed = 0;
    for (int n = 0; n != 2000; ++n) {
        const Ref<Job> event = job(std::string(1, static_cast<char>('a' + below(3))), below(4), n);
        switch (below(5)) {
            case 0:
                root.append(*event);
                break;
            case 1:
            case 2: {
                QueueSignals signals;
                const Ref<Event> popped = root.pop(signals);
                if (popped != nullptr && below(3) == 0) {
                    root.block(*popped);
                    blocked.push_back(popped);
                }
                break;
            }
            case 3:
                if (!blocked.empty()) {
                    Queue::unblock(*blocked.back());
                    blocked.pop_back();
                }
                break;
            default:
                if (root.pass_by(*event, PassBy::next_of_all)) {
                    ++passed;
                    const std::uint64_t before = root.popped();
                    const std::size_t size = root.size();
                    REQUIRE_FALSE(root.append(*event));
                    QueueSignals signals;
                    REQUIRE(root.pop(signals) == Ref<Event>(event));
                    REQUIRE(root.popped() == before + 1);
                    REQUIRE(root.size() == size);
                } else if (root.pass_by(*event, PassBy::first_of_its_kind)) {
                    REQUIRE_FALSE(root.append(*event));
                }
        }
    }
    CHECK(passed > 0);
}

}  // namespace weir
