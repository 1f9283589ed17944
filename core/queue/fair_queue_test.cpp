#include "core/queue/fair_queue.h"

#include <deque>
#include <map>
#include <random>

#include <catch2/catch.hpp>

#include "tests/support/queue_events.h"

namespace weir {

namespace {

using namespace queue_test;

// A queue that is fair by the number of its jobs.
struct ByNumber {
    ByNumber(std::size_t limit, FairQueueOptions options)
        : root(make_root({.max_default = limit, .kind = factory(std::move(options))})) {}

    static LeafQueueFactory factory(FairQueueOptions options) {
        options.key = EventKey::named("number");
        return FairQueue::factory(std::move(options));
    }
    const FairQueue& queue() const { return static_cast<FairQueue&>(root->default_queue()); }

    // Appends a job, or `count` with ascending ids until one is refused: what for it waits.
    Matcher append(int number, int id) const { return root->append(*job("a", number, id)); }
    Matcher fill(int number, int id, int count) const {
        Matcher wait;
        for (int i = 0; i != count && !wait; ++i) {
            wait = append(number, id + i);
        }
        return wait;
    }
    // Takes one out; the signals are those of this pop.
    int pop() {
        signals.can_write.clear();
        return queue_test::pop(*root, signals);
    }
    bool woken(const Matcher& wait) const { return wakes(signals, wait); }

    Ref<Queue> root;
    QueueSignals signals;
};

}  // namespace

// --- fairness

TEST_CASE("the classes of an auto queue are served in turn", "[fair_queue]") {
    ByNumber jobs(unlimited, {});
    jobs.fill(1, 10, 4);
    jobs.fill(2, 20, 2);
    jobs.fill(3, 30, 1);
    CHECK(jobs.queue().active_classes() == 3);
    CHECK(pop_all(*jobs.root) == Ids{10, 20, 30, 11, 21, 12, 13});
    CHECK(jobs.queue().active_classes() == 0);
}

TEST_CASE("a class that was idle and had less than its share is served next", "[fair_queue]") {
    ByNumber jobs(unlimited, {});
    jobs.fill(1, 10, 9);
    jobs.fill(2, 20, 9);
    for (int i = 0; i != 6; ++i) jobs.pop();
    jobs.fill(3, 30, 2);
    CHECK(jobs.pop() == 30);
    CHECK(jobs.pop() == 13);
    CHECK(jobs.pop() == 23);
    CHECK(jobs.pop() == 31);
}

TEST_CASE("of several classes that return, the first that came is served first", "[fair_queue]") {
    ByNumber jobs(unlimited, {});
    // All have been served as often; a queue that has served much counts each as below its share.
    for (int round = 0; round != 3; ++round) {
        for (int number = 1; number != 6; ++number) jobs.fill(number, 0, 1);
        while (jobs.queue().active_classes() != 0) jobs.pop();
    }
    jobs.fill(9, 90, 20);
    for (int i = 0; i != 5; ++i) jobs.pop();
    for (const int number : {3, 1, 5, 2, 4}) jobs.fill(number, number * 10, 2);
    for (const int first : {30, 10, 50, 20, 40}) CHECK(jobs.pop() == first);
    CHECK(jobs.pop() == 95);
    for (const int second : {31, 11, 51, 21, 41}) CHECK(jobs.pop() == second);

    SECTION("and in recorded runs of VLCP the last") {
        ByNumber as_vlcp(unlimited, {.returning = FairQueueOptions::Returning::last_come});
        as_vlcp.fill(9, 90, 20);
        for (int i = 0; i != 5; ++i) as_vlcp.pop();
        for (const int number : {3, 1, 5}) as_vlcp.fill(number, number * 10, 1);
        for (const int id : {50, 10, 30, 95}) CHECK(as_vlcp.pop() == id);
    }
}

TEST_CASE("classes that return in turn are served in the order in which they came",
          "[fair_queue]") {
    ByNumber jobs(unlimited, {.returning = FairQueueOptions::Returning::in_turn});
    jobs.fill(9, 90, 20);
    for (int i = 0; i != 20; ++i) jobs.pop();
    for (const int number : {9, 3, 1, 5}) jobs.fill(number, number * 10, 2);
    for (const int id : {90, 30, 10, 50, 91, 31, 11, 51}) CHECK(jobs.pop() == id);
}

TEST_CASE("a class that returns and blocks is served in turn when it is released", "[fair_queue]") {
    ByNumber jobs(unlimited, {});
    jobs.fill(9, 90, 20);
    for (int i = 0; i != 5; ++i) jobs.pop();
    for (const int number : {1, 2, 3}) jobs.fill(number, number * 10, 1);
    const Ref<Event> blocked = jobs.root->pop(jobs.signals);
    REQUIRE(id_of(*blocked) == 10);
    jobs.fill(1, 11, 1);  // the class returns again, and is blocked where it waits
    jobs.root->block(*blocked);
    CHECK(jobs.pop() == 20);
    CHECK(jobs.pop() == 30);
    CHECK(jobs.pop() == 95);
    Queue::unblock(*blocked);
    CHECK(jobs.pop() == 10);
    CHECK(jobs.pop() == 96);
    CHECK(jobs.pop() == 11);
    while (jobs.queue().active_classes() != 0) jobs.pop();
    CHECK(jobs.queue().size() == 0);
}

TEST_CASE("events without the key are a class of their own", "[fair_queue]") {
    ByNumber jobs(unlimited, {});
    jobs.fill(1, 10, 2);
    append(*jobs.root, make_event<PlainJob>("a", 90));
    append(*jobs.root, make_event<PlainJob>("b", 91));
    CHECK(jobs.queue().active_classes() == 2);
    CHECK(pop_all(*jobs.root) == Ids{10, 90, 11, 91});
}

TEST_CASE("without being told otherwise, an auto queue is fair by the type of the events",
          "[fair_queue]") {
    const auto root = make_root({.kind = FairQueue::factory()});
    for (int i = 0; i != 3; ++i) append(*root, job("a", i, i));
    append(*root, make_event<PlainJob>("a", 9));
    CHECK(pop_all(*root) == Ids{0, 9, 1, 2});
}

TEST_CASE("a class of a long text is as good as any", "[fair_queue]") {
    const auto root = make_root({.kind = FairQueue::factory({.key = EventKey::named("kind")})});
    const std::string name(100, 'x');
    for (int i = 0; i != 2; ++i) {
        append(*root, job(name + "1", 1, 10 + i));
        append(*root, job(name + "2", 1, 20 + i));
    }
    CHECK(pop_all(*root) == Ids{10, 20, 11, 21});
}

// --- limits and signals

TEST_CASE("slots are kept for new classes, and a free slot wakes the sender that may use it",
          "[fair_queue]") {
    ByNumber jobs(15, {.preserve_for_new = 1});
    const Matcher one = jobs.fill(1, 0, 20);
    CHECK(jobs.root->size() == 14);
    Matcher two = jobs.fill(2, 20, 20);
    CHECK(jobs.root->size() == 15);
    CHECK(jobs.pop() == 0);
    CHECK(jobs.signals.can_write.empty());

    CHECK_FALSE(jobs.append(3, 40));
    CHECK(jobs.pop() == 40);
    CHECK(jobs.signals.can_write.empty());
    // The third class was served, so that it is not new any more.
    const Matcher three = jobs.append(3, 41);
    REQUIRE(three);
    CHECK(jobs.pop() == 20);
    CHECK(jobs.signals.can_write.size() == 1);
    CHECK_FALSE(jobs.woken(one));
    CHECK(jobs.woken(two));
    CHECK(jobs.woken(three));

    CHECK(jobs.pop() == 1);
    CHECK(jobs.signals.can_write.empty());
    CHECK(jobs.pop() == 2);
    CHECK(jobs.signals.can_write.size() == 1);
    CHECK(jobs.woken(one));
}

TEST_CASE("a sender that waits because its class had several events learns that it has none",
          "[fair_queue]") {
    const bool wakes = GENERATE(true, false);
    ByNumber jobs(4, {.preserve_for_new = 1, .wakes_emptied = wakes});
    for (const int number : {2, 3, 4}) {
        jobs.append(number, number);
        REQUIRE(jobs.pop() == number);
    }
    jobs.root->append(*job("a", 1, 10), true);
    jobs.root->append(*job("a", 1, 11), true);
    const Matcher waiting = jobs.append(1, 12);
    REQUIRE(waiting);
    CHECK(jobs.pop() == 10);
    CHECK_FALSE(jobs.woken(waiting));
    CHECK(jobs.pop() == 11);
    CHECK(jobs.woken(waiting) == wakes);
}

TEST_CASE("blocked events take part in the limits of their classes", "[fair_queue]") {
    ByNumber jobs(15, {.preserve_for_new = 1, .returning = FairQueueOptions::Returning::last_come});
    const Matcher one = jobs.fill(1, 0, 20);
    jobs.fill(2, 20, 1);
    jobs.pop();
    jobs.append(3, 40);
    for (const int id : {40, 20, 1}) REQUIRE(jobs.pop() == id);
    const Ref<Event> blocked = jobs.root->pop(jobs.signals);
    CHECK(id_of(*blocked) == 2);
    jobs.root->block(*blocked);
    const Matcher two = jobs.fill(2, 21, 19);
    CHECK_FALSE(jobs.append(3, 42));
    const Matcher three = jobs.append(3, 43);
    REQUIRE(three);
    CHECK(jobs.pop() == 42);
    CHECK(jobs.woken(three));
    CHECK_FALSE(jobs.woken(two));
    CHECK_FALSE(jobs.woken(one));
    Queue::unblock(*blocked);
    CHECK(jobs.pop() == 21);
    CHECK(jobs.woken(two));
    CHECK_FALSE(jobs.woken(three));
    CHECK_FALSE(jobs.woken(one));
}

TEST_CASE("a class has a limit of its own", "[fair_queue]") {
    ByNumber jobs(15, {.preserve_for_new = 1, .subqueue_limit = 5});
    const Matcher one = jobs.fill(1, 0, 20);
    const Matcher two = jobs.fill(2, 20, 20);
    CHECK(jobs.root->size() == 10);
    CHECK(jobs.pop() == 0);
    CHECK(jobs.woken(one));
    CHECK_FALSE(jobs.woken(two));

    Matcher three = jobs.fill(3, 40, 20);
    CHECK(jobs.root->size() == 14);
    CHECK(jobs.pop() == 40);
    CHECK(jobs.woken(three));
    CHECK_FALSE(jobs.woken(one));
    three = jobs.fill(3, 45, 15);
    CHECK(jobs.root->size() == 14);
    Matcher four = jobs.fill(4, 60, 20);
    CHECK(jobs.root->size() == 15);
    CHECK(jobs.pop() == 60);
    CHECK(jobs.woken(four));
    CHECK_FALSE(jobs.woken(three));
    four = jobs.fill(4, 61, 19);
    CHECK(jobs.pop() == 20);
    CHECK(jobs.woken(two));
    CHECK(jobs.woken(four));
    CHECK_FALSE(jobs.woken(one));
    CHECK_FALSE(jobs.woken(three));

    QueueSignals cleared;
    jobs.root->clear(cleared);
    CHECK(cleared.can_write.size() == 1);
    CHECK(wakes(cleared, three));
    CHECK(wakes(cleared, four));
    CHECK_FALSE(wakes(cleared, one));
}

TEST_CASE("where only classes have a limit, each wakes only those that wait for it",
          "[fair_queue]") {
    ByNumber jobs(unlimited, {.subqueue_limit = 5});
    std::map<int, Matcher> waits;
    for (int number = 1; number != 5; ++number) {
        waits[number] = jobs.fill(number, number * 20, 20);
        CHECK(jobs.root->size() == static_cast<std::size_t>(number) * 5);
    }
    for (int number = 1; number != 5; ++number) {
        CHECK(jobs.pop() == number * 20);
        CHECK(jobs.signals.can_write.size() == 1);
        for (int other = 1; other != 5; ++other) {
            CHECK(jobs.woken(waits[other]) == (other == number));
        }
    }
    jobs.pop();
    CHECK(jobs.signals.can_write.empty());  // no sender waits any more
    waits[3] = jobs.fill(3, 90, 2);
    waits[4] = jobs.fill(4, 95, 2);
    QueueSignals cleared;
    jobs.root->clear(cleared);
    CHECK(cleared.can_write.size() == 2);
    CHECK(wakes(cleared, waits[3]));
    CHECK(wakes(cleared, waits[4]));
    CHECK_FALSE(wakes(cleared, waits[1]));
}

TEST_CASE("a class limit says whether a woken sender could send now", "[fair_queue]") {
    ByNumber jobs(unlimited, {.subqueue_limit = 1});
    jobs.append(1, 1);
    REQUIRE(jobs.append(1, 2));
    jobs.pop();
    REQUIRE(jobs.signals.can_write.size() == 1);
    const Ref<QueueCanWriteEvent> signal = jobs.signals.can_write[0];
    CHECK(signal->limit.get()->has_place(*signal) == true);
    jobs.append(1, 3);
    CHECK(signal->limit.get()->has_place(*signal) == false);
    jobs.pop();
    CHECK(jobs.signals.can_write.size() == 1);

    // With a limit of the whole queue, each must try.
    ByNumber limited(1, {});
    limited.append(1, 1);
    REQUIRE(limited.append(1, 2));
    limited.pop();
    REQUIRE(limited.signals.can_write.size() == 1);
    const Ref<QueueCanWriteEvent> all = limited.signals.can_write[0];
    CHECK(all->limit.get()->has_place(*all) == std::nullopt);
}

TEST_CASE("a queue never keeps all of its places for new classes", "[fair_queue]") {
    for (const std::size_t limit : {0UL, 1UL, 2UL}) {
        ByNumber jobs(limit, {.preserve_for_new = 5});
        CHECK(jobs.queue().options().preserve_for_new == std::max<std::size_t>(limit, 1) - 1);
        for (int i = 0; i != 5; ++i) {
            CHECK_FALSE(jobs.append(1, i));
            CHECK(jobs.pop() == i);
        }
    }
}

TEST_CASE("a limit further up refuses without a trace in the classes", "[fair_queue]") {
    const auto root = make_root({.max_total = 1, .kind = ByNumber::factory({})});
    const auto& queue = static_cast<FairQueue&>(root->default_queue());
    append(*root, job("a", 1, 1));
    CHECK_FALSE(append(*root, job("a", 2, 2)));
    CHECK(queue.active_classes() == 1);
    CHECK(queue.size() == 1);
    CHECK(pop_all(*root) == Ids{1});
}

// --- blocking

TEST_CASE("a blocked event holds back its class only", "[fair_queue]") {
    ByNumber jobs(unlimited, {});
    jobs.fill(1, 10, 2);
    jobs.fill(2, 20, 2);
    const Ref<Event> blocked = jobs.root->pop(jobs.signals);
    jobs.root->block(*blocked);
    jobs.append(1, 12);
    CHECK(pop_all(*jobs.root) == Ids{20, 21});
    CHECK_FALSE(jobs.root->can_pop());
    CHECK(jobs.root->size() == 3);
    Queue::unblock(*blocked);
    CHECK(pop_all(*jobs.root) == Ids{10, 11, 12});
}

TEST_CASE("blocked classes that are let go at once come in the order of blocking", "[fair_queue]") {
    ByNumber jobs(unlimited, {.max_history = 1});
    std::vector<Ref<Event>> blocked;
    for (const int number : {3, 1, 2}) jobs.append(number, number);
    while (jobs.root->can_pop()) {
        jobs.root->block(*blocked.emplace_back(jobs.root->pop(jobs.signals)));
    }
    jobs.root->unblock_all();
    CHECK(pop_all(*jobs.root).size() == 3);
    CHECK(jobs.root->size() == 0);
}

// --- against a model

TEST_CASE("each class of an auto queue is a fifo, and limits hold, under random operations",
          "[fair_queue]") {
    std::mt19937 random(1);
    for (const std::size_t limit : {std::size_t{3}, std::size_t{12}, unlimited}) {
        ByNumber jobs(limit, {.preserve_for_new = 2, .subqueue_limit = 4, .max_history = 30});
        std::map<int, std::deque<int>> model;
        std::map<int, Ref<Event>> blocked;
        std::size_t size = 0;
        for (int step = 0; step != 60'000; ++step) {
            const auto choice = random() % 10;
            if (choice < 5) {
                const int number = static_cast<int>(random() % 8);
                const bool force = random() % 20 == 0;
                if (append(*jobs.root, job("a", number, step), force)) {
                    REQUIRE((force || (size < limit && model[number].size() < 4)));
                    model[number].push_back(step);
                    ++size;
                } else if (limit == unlimited) {
                    REQUIRE(model[number].size() >= 4);
                }
            } else if (choice < 9) {
                const bool all_blocked = std::all_of(model.begin(), model.end(), [&](auto& c) {
                    return c.second.empty() || blocked.contains(c.first);
                });
                REQUIRE(jobs.root->can_pop() == !all_blocked);
                if (all_blocked) continue;
                const Ref<Event> event = jobs.root->pop(jobs.signals);
                const int number = event->as<Job>().number;
                REQUIRE_FALSE(blocked.contains(number));
                REQUIRE(id_of(*event) == model[number].front());
                if (random() % 8 == 0) {
                    jobs.root->block(*event);
                    blocked[number] = event;
                } else {
                    model[number].pop_front();
                    --size;
                }
            } else if (!blocked.empty()) {
                Queue::unblock(*blocked.begin()->second);
                blocked.erase(blocked.begin());
            } else if (random() % 50 == 0) {
                jobs.root->clear(jobs.signals);
                model.clear();
                size = 0;
            }
            REQUIRE(jobs.root->size() == size);
            REQUIRE(jobs.queue().size() == size);
        }
    }
}

}  // namespace weir
