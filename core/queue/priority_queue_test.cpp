#include "core/queue/priority_queue.h"

#include <map>
#include <random>

#include <catch2/catch.hpp>

#include "tests/support/queue_events.h"

namespace weir {

namespace {

using namespace queue_test;

Ref<Queue> make_priority(EventKey key = EventKey::named("priority"),
                         std::size_t max_default = unlimited) {
    return make_root({.max_default = max_default, .kind = PriorityQueue::factory(std::move(key))});
}

}  // namespace

TEST_CASE("the event with the smallest value leaves a priority queue first", "[priority_queue]") {
    const auto root = make_priority();
    for (const int priority : {5, -3, 9, 0, 7}) {
        append(*root, job("a", 1, priority, priority));
    }
    CHECK(pop_all(*root) == Ids{-3, 0, 5, 7, 9});
}

TEST_CASE("events of equal priority leave in order of arrival", "[priority_queue]") {
    const auto root = make_priority();
    for (int i = 0; i != 100; ++i) {
        append(*root, job("a", 1, i, i % 2));
    }
    const Ids ids = pop_all(*root);
    for (int i = 0; i != 50; ++i) {
        REQUIRE(ids[static_cast<std::size_t>(i)] == i * 2);
        REQUIRE(ids[static_cast<std::size_t>(i) + 50] == i * 2 + 1);
    }
}

TEST_CASE("events without a priority come after all that have one, in order", "[priority_queue]") {
    const auto root = make_priority();
    append(*root, make_event<PlainJob>("a", 1));
    append(*root, make_event<PlainJob>("a", 2));
    append(*root, job("a", 1, 3, 100));
    CHECK(pop(*root) == 3);
    append(*root, job("a", 1, 4, 1000));
    CHECK(pop_all(*root) == Ids{4, 1, 2});
}

TEST_CASE("a priority queue may order by an index, a text too", "[priority_queue]") {
    const auto root = make_priority(EventKey::named("kind"));
    int id = 0;
    for (const char* kind : {"pear", "apple", "a long name of an orange", "banana"}) {
        append(*root, job(kind, 1, id++));
    }
    CHECK(pop_all(*root) == Ids{2, 1, 3, 0});
}

TEST_CASE("a blocked event holds back what comes after it, not what comes before",
          "[priority_queue]") {
    const auto root = make_priority();
    const auto add = [&](int first, int priority) {
        for (int i = 0; i != 5; ++i) {
            append(*root, job("a", 1, first + i, priority - (i * 2) % 5));
        }
    };
    QueueSignals signals;
    add(0, 10);
    const Ref<Event> outer = root->pop(signals);
    CHECK(id_of(*outer) == 2);
    root->block(*outer);
    CHECK_FALSE(root->can_pop());
    add(5, 5);
    const Ref<Event> inner = root->pop(signals);
    CHECK(id_of(*inner) == 7);
    root->block(*inner);
    CHECK_FALSE(root->can_pop());
    add(10, 0);
    CHECK(pop_all(*root) == Ids{12, 14, 11, 13, 10});
    Queue::unblock(*outer);
    CHECK_FALSE(root->can_pop());
    Queue::unblock(*inner);
    CHECK(pop_all(*root) == Ids{7, 9, 6, 8, 5, 2, 4, 1, 3, 0});
}

TEST_CASE("a blocked event stands before the equals that came after it", "[priority_queue]") {
    const auto root = make_priority();
    for (int i = 0; i != 3; ++i) append(*root, job("a", 1, i));
    QueueSignals signals;
    const Ref<Event> first = root->pop(signals);
    const Ref<Event> second = root->pop(signals);
    root->block(*second);
    root->block(*first);
    Queue::unblock(*first);
    CHECK(pop(*root) == 0);
    CHECK_FALSE(root->can_pop());
    Queue::unblock(*second);
    CHECK(pop_all(*root) == Ids{1, 2});
}

TEST_CASE("a blocked event without a priority holds back its kind only", "[priority_queue]") {
    const auto root = make_priority();
    append(*root, make_event<PlainJob>("a", 1));
    append(*root, make_event<PlainJob>("a", 2));
    QueueSignals signals;
    const Ref<Event> event = root->pop(signals);
    root->block(*event);
    CHECK_FALSE(root->can_pop());
    append(*root, job("a", 1, 3, 5));
    CHECK(pop_all(*root) == Ids{3});
    root->unblock_all();
    CHECK(pop_all(*root) == Ids{1, 2});
}

TEST_CASE("a priority queue behaves as an ordered map under random operations",
          "[priority_queue]") {
    constexpr std::size_t limit = 50;
    std::mt19937 random(1);
    const auto root = make_priority(EventKey::named("priority"), limit);
    // By priority, and then by arrival; a blocked event keeps its arrival.
    std::map<std::pair<int, int>, Ref<Event>> model;
    std::pair<int, int> blocked;
    bool blocks = false;
    for (int step = 0; step != 200'000; ++step) {
        const auto choice = random() % 8;
        if (choice < 4) {
            const int priority = static_cast<int>(random() % 10);
            const auto event = job("a", 1, step, priority);
            REQUIRE(append(*root, event) == (model.size() < limit));
            if (event->queued()) model.emplace(std::pair(priority, step), event);
        } else if (choice == 4 && blocks) {
            Queue::unblock(*model.at(blocked));
            blocks = false;
        } else if (choice == 5 && random() % 200 == 0) {
            QueueSignals signals;
            root->clear(signals);
            model.clear();
            blocks = false;
        } else if (choice > 5) {
            const auto first = model.begin();
            const bool can_pop = !model.empty() && !(blocks && first->first == blocked);
            REQUIRE(root->can_pop() == can_pop);
            if (!can_pop) continue;
            QueueSignals signals;
            const Ref<Event> event = root->pop(signals);
            REQUIRE(event == first->second);
            if (!blocks && random() % 10 == 0) {
                root->block(*event);
                blocked = first->first;
                blocks = true;
            } else {
                model.erase(first);
            }
        }
        REQUIRE(root->size() == model.size());
    }
}

}  // namespace weir
