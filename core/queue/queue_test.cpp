#include "core/queue/queue.h"

#include <stdexcept>

#include <catch2/catch.hpp>

#include "core/queue/fair_queue.h"
#include "core/queue/fifo_queue.h"
#include "core/queue/priority_queue.h"
#include "tests/support/queue_events.h"

namespace weir {

namespace {

using namespace queue_test;

// Counts how many of them live.
struct Counted : Event {
    explicit Counted(int& live) : live_(live) { ++live_; }
    ~Counted() { --live_; }
    int& live_;
    static auto declare() { return declare_event<Counted>("queue_test.Counted"); }
};

// Sends another event when it goes.
struct LastWill : Event {
    LastWill(Queue& queue, Ref<Event> event) : queue_(queue), event_(std::move(event)) {}
    ~LastWill() { queue_.append(*event_, true); }
    Queue& queue_;
    Ref<Event> event_;
    static auto declare() { return declare_event<LastWill>("queue_test.LastWill"); }
};

}  // namespace

// --- where events go

TEST_CASE("an event goes into the most specific subqueue that matches, or the default queue",
          "[queue]") {
    const auto root = make_root();
    const auto a = root->add("a", 0, jobs("a"));
    const auto a7 = a->add("a7", 0, match<Job>("a", 7).make());
    const auto any8 = root->add("any 8", 0, match<Job>(any, 8).make());
    append(*root, job("a", 1, 1));
    append(*root, job("a", 7, 2));
    append(*root, job("a", 8, 3));
    append(*root, job("b", 8, 4));
    append(*root, job("b", 1, 5));
    CHECK(root->size() == 5);
    CHECK(a->size() == 3);
    CHECK(a->default_queue().size() == 2);
    CHECK(a7->size() == 1);
    CHECK(any8->size() == 1);
    CHECK(root->default_queue().size() == 1);
}

TEST_CASE("of two queues with equal matchers the older takes the events, while it is there",
          "[queue]") {
    const auto root = make_root();
    const auto older = root->add("older", 0, jobs("a"));
    const auto younger = root->add("younger", 0, jobs("a"));
    append(*root, job("a", 1, 1));
    CHECK(older->size() == 1);
    QueueSignals signals;
    root->remove(*older, signals);
    CHECK(younger->size() == 1);
    append(*root, job("a", 1, 2));
    CHECK(younger->size() == 2);
}

TEST_CASE("an event that is sent to a subqueue is classified from there on", "[queue]") {
    const auto root = make_root();
    const auto a = root->add("a", 0, jobs("a"));
    const auto a7 = a->add("a7", 0, match<Job>("a", 7).make());
    append(*a, job("a", 7, 1));
    append(*a, job("b", 8, 2));
    CHECK(a7->size() == 1);
    CHECK(a->default_queue().size() == 1);
    CHECK(root->default_queue().size() == 0);
}

TEST_CASE("events that are in the default queue stay there when a queue for them is added",
          "[queue]") {
    const auto root = make_root();
    append(*root, job("a", 1, 1));
    const auto a = root->add("a", 5, jobs("a"));
    append(*root, job("a", 1, 2));
    CHECK(a->size() == 1);
    CHECK(pop_all(*root) == Ids{2, 1});
}

// --- which leaves first

TEST_CASE("the event of the highest priority leaves first", "[queue]") {
    const auto root = make_root({.default_priority = 5});
    root->add("low", -3, jobs("low"));
    root->add("high", 10, jobs("high"));
    append(*root, job("low", 1, 1));
    append(*root, job("x", 1, 2));
    append(*root, job("high", 1, 3));
    append(*root, job("high", 1, 4));
    CHECK(pop(*root) == 3);
    append(*root, job("high", 1, 5));
    CHECK(pop_all(*root) == Ids{4, 5, 2, 1});
    CHECK(root->default_priority() == 5);
}

TEST_CASE("queues of the same priority take turns, to any depth", "[queue]") {
    const auto root = make_root();
    const auto a = root->add("a", 1, jobs("a"));
    a->add("", 0, match<Job>("a", 7).make());
    root->add("b", 1, jobs("b"));
    for (int i = 0; i != 3; ++i) {
        append(*root, job("a", 1, 10 + i));
        append(*root, job("a", 7, 20 + i));
        append(*root, job("b", 1, 30 + i));
        append(*root, job("c", 1, 40 + i));
    }
    CHECK(pop_all(*root) == Ids{10, 30, 20, 31, 11, 32, 21, 12, 22, 40, 41, 42});
}

TEST_CASE("what the original's test of priorities says holds", "[queue]") {
    // A tree like that of the original's testEvent: two queues of priority 1, one of them with a
    // queue of its own, and one of priority 2 that orders its events.
    const auto root = make_root({.max_default = 5});
    const auto write = root->add("write", 1, jobs("write"), {.max_default = 15, .max_total = 20});
    write->add("", 0, match<Job>("write", 4).make(), {.max_default = 15});
    root->add("special", 1, match<Job>("write", 19).make(), {.max_default = 15, .max_total = 20});
    root->add("priority", 2, match<Job>("write", 16).make(),
              {.max_default = 15, .max_total = 15, .kind = PriorityQueue::factory()});
    const struct {
        const char* kind;
        int number;
    } groups[] = {{"read", 4}, {"write", 6}, {"write", 4}, {"write", 19}, {"write", 19}};
    int id = 0;
    for (const auto& group : groups) {
        for (int i = 0; i != 5; ++i) {
            REQUIRE(append(*root, job(group.kind, group.number, id++)));
        }
    }
    for (int i = 0; i != 5; ++i) {
        REQUIRE(append(*root, job("write", 16, id++, 10 - (i * 2) % 5)));
    }
    CHECK(pop_all(*root) == Ids{27, 29, 26, 28, 25, 5,  15, 10, 16, 6,  17, 11, 18, 7, 19,
                                12, 20, 8,  21, 13, 22, 9,  23, 14, 24, 0,  1,  2,  3, 4});
}

TEST_CASE("a queue from which nothing can leave gives no event", "[queue]") {
    const auto root = make_root();
    const auto a = root->add("a", 0, jobs("a"));
    QueueSignals signals;
    CHECK(root->pop(signals) == nullptr);
    CHECK(a->pop(signals) == nullptr);
    const auto event = job("a", 1, 1);
    append(*root, event);
    root->pop(signals);
    root->block(*event);
    CHECK(root->pop(signals) == nullptr);
    CHECK(a->pop(signals) == nullptr);
    CHECK(root->size() == 1);
}

TEST_CASE("events may be taken from a subqueue directly, all above it know", "[queue]") {
    const auto root = make_root();
    const auto a = root->add("a", 1, jobs("a"), {.max_total = 2});
    const auto a7 = a->add("a7", 1, match<Job>("a", 7).make());
    append(*root, job("a", 7, 1));
    append(*root, job("a", 7, 2));
    const Matcher wait = root->append(*job("a", 1, 3));
    REQUIRE(wait);
    QueueSignals signals;
    CHECK(pop(*a7, signals) == 1);
    CHECK(wakes(signals, wait));
    CHECK(root->size() == 1);
    CHECK(a->size() == 1);
    CHECK(pop(*a7) == 2);
    CHECK_FALSE(root->can_pop());
    CHECK(a7->popped() == 2);
}

// --- limits

TEST_CASE("a sender waits when the queue with all below it has reached its limit", "[queue]") {
    const auto root = make_root();
    const auto a = root->add("a", -1, jobs("a"), {.max_total = 2});
    a->add("", 0, match<Job>("a", 7).make());
    CHECK(append(*root, job("a", 1, 1)));
    CHECK(append(*root, job("a", 7, 2)));
    const auto third = job("a", 7, 3);
    const Matcher wait = root->append(*third);
    REQUIRE(wait);
    CHECK_FALSE(third->queued());
    CHECK(append(*root, job("b", 1, 4)));
    CHECK(root->size() == 3);
    QueueSignals signals;
    CHECK(pop(*root, signals) == 4);
    CHECK_FALSE(wakes(signals, wait));
    CHECK(pop(*root, signals) == 1);
    CHECK(wakes(signals, wait));
    CHECK(append(*root, third));
}

TEST_CASE("the limit of a queue further up holds for all below it", "[queue]") {
    const auto root = make_root({.max_total = 1});
    const auto a = root->add("a", 0, jobs("a"), {.max_total = 5});
    CHECK(append(*root, job("a", 1, 1)));
    const Matcher wait = root->append(*job("a", 1, 2));
    REQUIRE(wait);
    CHECK(a->size() == 1);
    QueueSignals signals;
    pop(*root, signals);
    CHECK(wakes(signals, wait));
}

TEST_CASE("a refused event has changed nothing but that a place is waited for", "[queue]") {
    const auto root = make_root({.max_total = 1});
    append(*root, job("x", 1, 1));
    for (int i = 0; i != 10; ++i) {
        CHECK_FALSE(append(*root, job("x", 1, 2)));
    }
    CHECK(root->size() == 1);
    QueueSignals signals;
    pop(*root, signals);
    CHECK(signals.can_write.size() == 1);
    signals.can_write.clear();
    append(*root, job("x", 1, 3));
    pop(*root, signals);
    CHECK(signals.can_write.empty());
}

TEST_CASE("an event can be forced in beyond every limit, the signal comes below the limit",
          "[queue]") {
    const auto root = make_root({.max_default = 1, .max_total = 1});
    for (int i = 0; i != 3; ++i) {
        CHECK(append(*root, job("x", 1, i), true));
    }
    CHECK(root->size() == 3);
    CHECK_FALSE(append(*root, job("x", 1, 3)));
    QueueSignals signals;
    pop(*root, signals);
    pop(*root, signals);
    CHECK(signals.can_write.empty());
    pop(*root, signals);
    CHECK_FALSE(signals.can_write.empty());
}

TEST_CASE("a limit of 0 is one of 1, for a queue that takes nothing would stop its senders",
          "[queue]") {
    const auto root = make_root({.max_default = 0, .max_total = 0});
    CHECK(root->max_total() == 1);
    CHECK(root->default_queue().max_size() == 1);
    CHECK(append(*root, job("x", 1, 1)));
    CHECK_FALSE(append(*root, job("x", 1, 2)));
}

TEST_CASE("a limit says whether a woken sender could send now, and signals again if not",
          "[queue]") {
    const auto root = make_root({.max_total = 1});
    append(*root, job("x", 1, 1));
    append(*root, job("x", 1, 2));
    QueueSignals signals;
    pop(*root, signals);
    REQUIRE(signals.can_write.size() == 1);
    const QueueCanWriteEvent& signal = *signals.can_write.front();
    CHECK(signal.queue == root);
    CHECK(signal.limit.get()->has_place(signal) == true);
    append(*root, job("x", 1, 3));
    CHECK(signal.limit.get()->has_place(signal) == false);
    QueueSignals again;
    pop(*root, again);
    CHECK(again.can_write.size() == 1);
}

// --- blocking

TEST_CASE("a blocked event holds back what is behind it in its own default queue only", "[queue]") {
    const auto root = make_root();
    const auto write = root->add("write", 1, jobs("write"));
    write->add("", 0, match<Job>("write", 4).make());
    int id = 0;
    const std::pair<const char*, int> groups[] = {{"read", 4}, {"write", 6}, {"write", 4}};
    for (const auto& [kind, number] : groups) {
        for (int i = 0; i != 5; ++i) append(*root, job(kind, number, id++));
    }
    QueueSignals signals;
    const Ref<Event> blocked = root->pop(signals);
    CHECK(id_of(*blocked) == 5);
    root->block(*blocked);
    CHECK(root->size() == 15);
    CHECK(pop_all(*root) == Ids{10, 11, 12, 13, 14, 0, 1, 2, 3, 4});
    CHECK_FALSE(root->can_pop());
    append(*root, job("write", 6, 15));
    CHECK_FALSE(root->can_pop());
    Queue::unblock(*blocked);
    CHECK(pop_all(*root) == Ids{5, 6, 7, 8, 9, 15});
    Queue::unblock(*blocked);  // does not block any more: nothing happens
}

TEST_CASE("all blocked events of a queue and of all below it can be let go at once", "[queue]") {
    const auto root = make_root();
    const auto a = root->add("a", 1, jobs("a"));
    const auto a7 = a->add("a7", 1, match<Job>("a", 7).make(), {.kind = PriorityQueue::factory()});
    const auto b = root->add("b", 1, jobs("b"), {.kind = FairQueue::factory()});
    for (const Ref<Job>& event : {job("a", 1, 1), job("a", 7, 2), job("b", 1, 3), job("x", 1, 4)}) {
        append(*root, event);
    }
    std::vector<Ref<Event>> blocked;
    QueueSignals signals;
    while (root->can_pop()) {
        root->block(*blocked.emplace_back(root->pop(signals)));
    }
    CHECK(root->size() == 4);
    a->unblock_all();
    CHECK(pop_all(*root) == Ids{2, 1});
    root->unblock_all();
    CHECK(pop_all(*root) == Ids{3, 4});
    for (const auto& event : blocked) {
        Queue::unblock(*event);  // nothing is left of it
    }
    CHECK(root->size() == 0);
}

// --- waiting for an empty queue

TEST_CASE("a waiter for an empty queue wakes when it is empty, with all below it", "[queue]") {
    const auto root = make_root();
    const auto a = root->add("a", 1, jobs("a"));
    a->add("", 1, match<Job>("a", 7).make());
    CHECK_FALSE(a->wait_for_empty());
    append(*root, job("a", 1, 1));
    append(*root, job("a", 7, 2));
    const Matcher empty = a->wait_for_empty();
    REQUIRE(empty);
    QueueSignals signals;
    pop(*root, signals);
    CHECK(signals.empty.empty());
    pop(*root, signals);
    REQUIRE(signals.empty.size() == 1);
    CHECK(signals.empty.front()->queue == a);
    CHECK(wakes(signals, empty));
    append(*root, job("a", 1, 3));
    signals.empty.clear();
    pop(*root, signals);
    CHECK(signals.empty.empty());
}

TEST_CASE("a waiter for an empty queue waits on when the last event blocks it", "[queue]") {
    const auto root = make_root();
    append(*root, job("x", 1, 1));
    const Matcher empty = root->wait_for_empty();
    QueueSignals signals;
    const Ref<Event> event = root->pop(signals);
    REQUIRE(wakes(signals, empty));
    root->block(*event, signals.empty);
    Queue::unblock(*event);
    QueueSignals again;
    root->pop(again);
    CHECK(wakes(again, empty));
}

// --- clearing

TEST_CASE("a cleared queue is empty, all below it too, and its waiters wake", "[queue]") {
    const auto root = make_root({.max_total = 3});
    const auto a = root->add("a", 1, jobs("a"), {.max_default = 1});
    a->add("", 1, match<Job>("a", 7).make());
    append(*root, job("a", 1, 1));
    append(*root, job("a", 7, 2));
    append(*root, job("x", 1, 3));
    const Matcher default_full = root->append(*job("a", 1, 4));
    const Matcher total_full = root->append(*job("x", 1, 5));
    const Matcher empty = a->wait_for_empty();
    QueueSignals signals;
    a->clear(signals);
    CHECK(a->size() == 0);
    CHECK(root->size() == 1);
    CHECK(wakes(signals, default_full));
    CHECK(wakes(signals, total_full));
    CHECK(wakes(signals, empty));
    CHECK(pop_all(*root) == Ids{3});
}

TEST_CASE("what is appended to a queue that was cleared is popped again", "[queue]") {
    const LeafQueueFactory kinds[] = {FifoQueue::factory(), PriorityQueue::factory(),
                                      FairQueue::factory()};
    for (const auto& kind : kinds) {
        const auto root = make_root();
        const auto a = root->add("a", 1, jobs("a"), {.kind = kind});
        for (int i = 0; i != 3; ++i) append(*root, job("a", i, i));
        QueueSignals signals;
        const Ref<Event> blocked = root->pop(signals);
        root->block(*blocked);
        root->clear(signals);
        CHECK_FALSE(root->can_pop());
        append(*root, job("a", 1, 10));
        append(*root, job("x", 1, 11));
        CHECK(pop_all(*root) == Ids{10, 11});
        Queue::unblock(*blocked);
        CHECK(append(*root, blocked));
        CHECK(pop_all(*root) == Ids{0});
    }
}

TEST_CASE("what a dropped event sends when it goes comes into the cleared queue", "[queue]") {
    const auto root = make_root();
    const auto a = root->add("a", 1, match<LastWill>().make());
    for (int i = 0; i != 3; ++i) {
        append(*root, make_event<LastWill>(*root, job("a", 1, i)));
    }
    append(*root, job("x", 1, 9));
    QueueSignals signals;
    root->clear(signals);
    CHECK(root->size() == 3);
    CHECK(pop_all(*root) == Ids{0, 1, 2});
    CHECK(root->size() == 0);
}

// --- insight and ownership

TEST_CASE("every event of a queue and of all below it can be visited", "[queue]") {
    const auto root = make_root();
    const auto a = root->add("a", 1, jobs("a"), {.kind = PriorityQueue::factory()});
    const auto b = a->add("b", 1, match<Job>("a", 7).make(), {.kind = FairQueue::factory()});
    append(*root, job("x", 1, 1));
    append(*root, job("a", 1, 2));
    append(*root, job("a", 7, 4));
    append(*a, make_event<PlainJob>("p", 8));
    const auto sum = [](Queue& queue) {
        int ids = 0;
        queue.for_each([&](Event& event) { ids += id_of(event); });
        return ids;
    };
    CHECK(sum(*root) == 15);
    CHECK(sum(*a) == 14);
    CHECK(sum(*b) == 4);
}

TEST_CASE("a queue counts what has left it", "[queue]") {
    const auto root = make_root();
    const auto a = root->add("a", 1, jobs("a"));
    for (int i = 0; i != 3; ++i) append(*root, job("a", 1, i));
    append(*root, job("x", 1, 3));
    pop_all(*root);
    CHECK(root->popped() == 4);
    CHECK(a->popped() == 3);
    append(*root, job("a", 1, 4));
    QueueSignals signals;
    root->clear(signals);
    CHECK(root->popped() == 4);
}

TEST_CASE("an event is in one queue at a time", "[queue]") {
    const auto root = make_root();
    const auto event = job("a", 7, 1);
    append(*root, event);
    CHECK(event->queued());
    CHECK_THROWS_WITH(root->append(*event),
                      "the event is in a queue already: test.Job(kind=\"a\", number=7)");
    CHECK_THROWS_WITH(root->append(*event, true),
                      "the event is in a queue already: test.Job(kind=\"a\", number=7)");
    CHECK_THROWS_WITH(root->block(*event),
                      "the event is in a queue already: test.Job(kind=\"a\", number=7)");
    CHECK(root->size() == 1);
    CHECK(pop_all(*root) == Ids{1});
    CHECK_FALSE(event->queued());
    CHECK(append(*root, event));
}

TEST_CASE("a tree of queues that goes takes its events with it, blocked ones too", "[queue]") {
    int live = 0;
    const auto outside = job("x", 1, 1);
    {
        const auto root = make_root();
        root->add("p", 1, match<Counted>().make(), {.kind = PriorityQueue::factory()});
        const auto a = root->add("a", 1, match<Job>("a").make(), {.kind = FairQueue::factory()});
        const auto f = a->add("f", 1, match<Job>("a", 7).make());
        for (int i = 0; i != 3; ++i) {
            append(*root, make_event<Counted>(live));
            append(*a, make_event<Counted>(live));
            append(*f, make_event<Counted>(live));
            append(*root->find("p"), job("x", 1, i, i));
        }
        append(*root, outside);
        QueueSignals signals;
        for (int i = 0; i != 4; ++i) {
            root->block(*root->pop(signals));
        }
        CHECK(live == 9);
    }
    CHECK(live == 0);
    CHECK_FALSE(outside->queued());
    const auto other = make_root();
    CHECK(append(*other, outside));
}

TEST_CASE("a signal keeps its queue alive", "[queue]") {
    Ref<Queue> root = make_root({.max_default = 1});
    append(*root, job("x", 1, 1));
    append(*root, job("x", 1, 2));
    QueueSignals signals;
    pop(*root, signals);
    root.reset();
    REQUIRE(signals.can_write.size() == 1);
    CHECK(signals.can_write[0]->queue->size() == 0);
    CHECK(signals.can_write[0]->limit.get()->has_place(*signals.can_write[0]) == true);
}

}  // namespace weir
