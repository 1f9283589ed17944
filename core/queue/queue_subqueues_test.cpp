#include <stdexcept>

#include <catch2/catch.hpp>

#include "core/queue/priority_queue.h"
#include "core/queue/queue.h"
#include "tests/support/queue_events.h"

// Queues that are added, removed and changed while events are in them.
namespace weir {

namespace {

using namespace queue_test;

}  // namespace

TEST_CASE("a subqueue is found by its name, and several may have none", "[queue]") {
    const auto root = make_root();
    const auto a = root->add("a", 3, jobs("a"), {.max_total = 9, .default_priority = 4});
    const auto b = root->add("", 0, jobs("b"));
    const auto c = root->add("", 0, jobs("c"));
    CHECK(root->find("a") == a.get());
    CHECK(root->find("b") == nullptr);
    CHECK(root->subqueues() == std::vector{a, b, c});
    CHECK(a->name() == "a");
    CHECK(a->parent() == root.get());
    CHECK(a->priority() == 3);
    CHECK(a->default_priority() == 4);
    CHECK(a->max_total() == 9);
    CHECK(a->matcher().describe() == "test.Job(\"a\")");
    CHECK(root->parent() == nullptr);
    CHECK(root->priority() == 0);
    CHECK(root->max_total() == unlimited);
}

TEST_CASE("subqueues that cannot be say why", "[queue]") {
    const auto root = make_root();
    const auto a = root->add("a", 0, jobs("a"));
    CHECK_THROWS_WITH(root->add("a", 0, jobs("b")), "there is a subqueue named 'a' already");
    CHECK_THROWS_WITH(
        root->add("b", 0, match<Job>().where([](const Job&) { return true; }).make()),
        "the matcher of subqueue 'b' has a predicate; events are classified by indices only");
    const auto inner = a->add("inner", 0, jobs("a"));
    QueueSignals signals;
    CHECK_THROWS_WITH(root->remove(*inner, signals), "'inner' is not a subqueue of this queue");
    CHECK_THROWS_WITH(root->set_priority(*root, 1), "'' is not a subqueue of this queue");
    root->remove(*a, signals);
    CHECK_THROWS_WITH(a->add("x", 0, jobs("a")), "queue 'a' has been removed");
    CHECK_THROWS_WITH(root->remove(*a, signals), "'a' is not a subqueue of this queue");
    CHECK(root->subqueues().empty());
}

TEST_CASE("a default queue that cannot be made leaves no subqueue behind", "[queue]") {
    const auto root = make_root();
    const LeafQueueFactory bad = [](std::size_t) -> std::unique_ptr<LeafQueue> {
        throw std::runtime_error("no");
    };
    CHECK_THROWS_WITH(root->add("a", 7, jobs("a"), {.kind = bad}), "no");
    CHECK(root->subqueues().empty());
    append(*root, job("a", 1, 1));
    CHECK(root->default_queue().size() == 1);
}

TEST_CASE("the events of a removed queue go back to its parent, whatever its limits", "[queue]") {
    const auto root = make_root({.max_default = 5});
    const auto a = root->add("a", 1, jobs("a"), {.max_default = 5});
    int id = 0;
    for (int i = 0; i != 5; ++i) append(*root, job("b", 1, id++));
    for (int i = 0; i != 5; ++i) append(*root, job("a", 1, id++));
    const Matcher full = root->append(*job("a", 1, id));
    const Matcher empty = a->wait_for_empty();
    QueueSignals signals;
    root->remove(*a, signals);
    CHECK(wakes(signals, full));
    CHECK(wakes(signals, empty));
    CHECK(root->size() == 10);
    CHECK(root->find("a") == nullptr);
    CHECK(pop_all(*root) == Ids{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("a queue with named subqueues, and these with their own, can be removed", "[queue]") {
    const auto root = make_root();
    const auto a = root->add("a", 1, jobs("a"));
    const auto b = a->add("b", 2, match<Job>("a", 7).make());
    const auto c = b->add("c", 3, match<Job>("a", 7).make());
    const auto d = b->add("d", 3, match<Job>("a", 7).make(), {.kind = PriorityQueue::factory()});
    append(*root, job("a", 1, 1));
    append(*root, job("a", 7, 2));
    append(*c, job("a", 7, 3));
    append(*d, job("a", 7, 4));
    QueueSignals signals;
    root->remove(*a, signals);
    CHECK(a->removed());
    CHECK(c->removed());
    CHECK(root->size() == 4);
    CHECK(a->size() == 0);
    CHECK(d->size() == 0);
    CHECK(root->default_queue().size() == 4);
    const auto again = root->add("a", 1, jobs("a"));
    append(*root, job("a", 7, 5));
    CHECK(again->size() == 1);
}

TEST_CASE("the blocked events of a removed queue are not blocked in its parent", "[queue]") {
    const auto root = make_root();
    const auto a = root->add("a", 1, jobs("a"));
    append(*root, job("a", 1, 1));
    append(*root, job("a", 1, 2));
    QueueSignals signals;
    const Ref<Event> event = root->pop(signals);
    root->block(*event);
    CHECK_FALSE(root->can_pop());
    root->remove(*a, signals);
    CHECK(pop_all(*root) == Ids{1, 2});
    Queue::unblock(*event);
}

TEST_CASE("what is sent to a removed queue, or to one below it, goes to the parent", "[queue]") {
    const auto root = make_root();
    Ref<Queue> a = root->add("a", 1, jobs("a"));
    Ref<Queue> b = a->add("b", 1, jobs("a"));
    const auto c = b->add("c", 1, jobs("a"));
    QueueSignals signals;
    root->remove(*a, signals);
    append(*a, job("a", 1, 1));
    append(*b, job("a", 1, 2));
    append(*c, job("a", 1, 3));
    a.reset();
    append(*b, job("a", 1, 4));
    b.reset();
    append(*c, job("a", 1, 5));
    CHECK(pop_all(*root) == Ids{1, 2, 3, 4, 5});
    const auto event = job("a", 1, 6);
    c->block(*event);
    CHECK(root->size() == 1);
    CHECK_FALSE(root->can_pop());
}

TEST_CASE("a queue may outlive its tree, but what is sent to it is an error then", "[queue]") {
    Ref<Queue> root = make_root();
    const auto a = root->add("a", 1, jobs("a"));
    const auto b = a->add("b", 1, match<Job>("a", 7).make());
    append(*b, job("a", 7, 1));
    root.reset();
    CHECK(a->parent() == nullptr);
    CHECK(b->parent() == a.get());
    CHECK(b->removed());
    CHECK_THROWS_WITH(a->append(*job("a", 1, 1)), "queue 'a' is gone, with all above it");
    CHECK_THROWS_WITH(b->append(*job("a", 1, 1)), "queue 'b' is gone, with all above it");
    CHECK_THROWS_WITH(b->block(*job("a", 1, 1)), "queue 'b' is gone, with all above it");
    CHECK(b->size() == 1);
}

TEST_CASE("a subqueue can get another priority while events are in it", "[queue]") {
    const auto root = make_root();
    const auto a = root->add("a", 1, jobs("a"));
    const auto b = root->add("b", 2, jobs("b"));
    append(*root, job("a", 1, 1));
    append(*root, job("a", 1, 2));
    append(*root, job("b", 1, 3));
    append(*root, job("b", 1, 4));
    CHECK(pop(*root) == 3);
    root->set_priority(*a, 5);
    CHECK(a->priority() == 5);
    CHECK(pop(*root) == 1);
    root->set_priority(*a, -1);
    append(*root, job("x", 1, 5));
    CHECK(pop_all(*root) == Ids{4, 5, 2});
    root->set_priority(*b, 2);  // the same: nothing is lost
    append(*root, job("b", 1, 6));
    append(*root, job("a", 1, 7));
    CHECK(pop_all(*root) == Ids{6, 7});
}

TEST_CASE("when the only ready queue below gets another priority, the queue above loses its turn",
          "[queue]") {
    const bool others = GENERATE(false, true);
    const auto root = make_root();
    const auto a = root->add("a", 0, jobs("a"));
    const auto below = a->add("below", 0, match<Job>("a", 1).make());
    append(*root, job("a", 1, 1));
    append(*root, job("a", others ? 2 : 1, 2));
    append(*root, job("b", 1, 3));
    a->set_priority(*below, 1);
    CHECK(pop_all(*root) == (others ? Ids{1, 3, 2} : Ids{3, 1, 2}));
}

TEST_CASE("below a queue that was removed, priorities may change and queues be added", "[queue]") {
    const auto root = make_root();
    const auto a = root->add("a", 100, jobs("a"));
    const auto below = a->add("below", 100, match<Job>("a", 1).make());
    const auto last = below->add("last", 100, match<Job>("a", 1).make());
    QueueSignals signals;
    root->remove(*a, signals);
    below->set_priority(*last, 101);
    CHECK(last->priority() == 101);
    a->set_priority(*below, 7);
    CHECK(below->priority() == 7);
    append(*root, job("a", 1, 1));
    CHECK(pop_all(*root) == Ids{1});
}

}  // namespace weir
