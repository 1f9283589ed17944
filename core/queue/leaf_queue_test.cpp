#include "core/queue/leaf_queue.h"

#include <catch2/catch.hpp>

#include "core/queue/fair_queue.h"
#include "core/queue/fifo_queue.h"
#include "core/queue/priority_queue.h"
#include "tests/support/queue_events.h"

// What holds for the default queues of all kinds.
namespace weir {

namespace {

using namespace queue_test;

struct Kind {
    const char* name;
    LeafQueueFactory factory;
};

std::vector<Kind> kinds() {
    return {{"fifo", FifoQueue::factory()},
            {"priority", PriorityQueue::factory()},
            {"auto", FairQueue::factory({.preserve_for_new = 0})}};
}

}  // namespace

TEST_CASE("events that are alike leave a default queue of any kind in order of arrival",
          "[leaf_queue]") {
    for (const Kind& kind : kinds()) {
        INFO(kind.name);
        const auto root = make_root({.kind = kind.factory});
        CHECK(root->default_queue().kind() == kind.name);
        CHECK(root->default_queue().max_size() == unlimited);
        for (int i = 0; i != 10; ++i) append(*root, job("a", 1, i));
        CHECK(pop_all(*root) == Ids{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    }
}

TEST_CASE("a sender waits for a place in a full default queue, and is woken by it",
          "[leaf_queue]") {
    for (const Kind& kind : kinds()) {
        INFO(kind.name);
        const auto root = make_root({.max_default = 2, .kind = kind.factory});
        CHECK(append(*root, job("a", 1, 1)));
        CHECK(append(*root, job("a", 1, 2)));
        const auto third = job("a", 1, 3);
        const Matcher wait = root->append(*third);
        REQUIRE(wait);
        QueueSignals signals;
        CHECK(pop(*root, signals) == 1);
        REQUIRE(wakes(signals, wait));
        CHECK(append(*root, third));
        CHECK(pop_all(*root) == Ids{2, 3});
    }
}

TEST_CASE("an event is forced into a full default queue", "[leaf_queue]") {
    for (const Kind& kind : kinds()) {
        INFO(kind.name);
        const auto root = make_root({.max_default = 1, .kind = kind.factory});
        append(*root, job("a", 1, 1));
        CHECK_FALSE(append(*root, job("a", 1, 2)));
        CHECK(append(*root, job("a", 1, 2), true));
        CHECK(root->default_queue().size() == 2);
        CHECK(pop_all(*root) == Ids{1, 2});
    }
}

TEST_CASE("a blocked event keeps its place at the front", "[leaf_queue]") {
    for (const Kind& kind : kinds()) {
        INFO(kind.name);
        const auto root = make_root({.max_default = 2, .kind = kind.factory});
        append(*root, job("a", 1, 1));
        append(*root, job("a", 1, 2));
        QueueSignals signals;
        const Ref<Event> event = root->pop(signals);
        root->block(*event);
        CHECK_FALSE(root->can_pop());
        CHECK(root->size() == 2);
        CHECK_FALSE(append(*root, job("a", 1, 3)));
        Queue::unblock(*event);
        CHECK(pop(*root) == 1);
        append(*root, job("a", 1, 4));
        CHECK(pop_all(*root) == Ids{2, 4});
    }
}

TEST_CASE("an event may block again and again", "[leaf_queue]") {
    for (const Kind& kind : kinds()) {
        INFO(kind.name);
        const auto root = make_root({.kind = kind.factory});
        append(*root, job("a", 1, 1));
        append(*root, job("a", 1, 2));
        for (int i = 0; i != 3; ++i) {
            QueueSignals signals;
            const Ref<Event> event = root->pop(signals);
            CHECK(id_of(*event) == 1);
            root->block(*event);
            if (i == 1) {
                root->unblock_all();
            } else {
                Queue::unblock(*event);
            }
        }
        CHECK(pop_all(*root) == Ids{1, 2});
    }
}

TEST_CASE("the last event of a default queue may block", "[leaf_queue]") {
    for (const Kind& kind : kinds()) {
        INFO(kind.name);
        const auto root = make_root({.kind = kind.factory});
        append(*root, job("a", 1, 1));
        QueueSignals signals;
        const Ref<Event> event = root->pop(signals);
        root->block(*event);
        append(*root, job("a", 1, 2));
        CHECK_FALSE(root->can_pop());
        Queue::unblock(*event);
        CHECK(pop_all(*root) == Ids{1, 2});
    }
}

TEST_CASE("a clear drops blocked events, and wakes the senders that waited for a slot",
          "[leaf_queue]") {
    for (const Kind& kind : kinds()) {
        INFO(kind.name);
        const auto root = make_root({.max_default = 2, .kind = kind.factory});
        const auto first = job("a", 1, 1);
        append(*root, first);
        append(*root, job("a", 1, 2));
        const Matcher wait = root->append(*job("a", 1, 3));
        QueueSignals signals;
        root->block(*root->pop(signals));
        QueueSignals cleared;
        root->clear(cleared);
        CHECK((wakes(signals, wait) || wakes(cleared, wait)));
        CHECK_FALSE(first->queued());
        CHECK(root->default_queue().size() == 0);
        append(*root, job("a", 1, 4));
        CHECK(pop_all(*root) == Ids{4});
    }
}

}  // namespace weir
