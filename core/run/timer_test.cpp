#include "core/run/timer.h"

#include <algorithm>
#include <map>
#include <random>

#include <catch2/catch.hpp>

namespace weir {

namespace {

using namespace std::chrono_literals;

Time at(int seconds) {
    return Time(std::chrono::seconds(seconds));
}

Ref<TimerState> make_timer() {
    return Ref<TimerState>(new TimerState(Duration::zero()));
}

// Sets a new timer.
Ref<TimerState> set(TimerHeap& heap, int seconds) {
    const auto timer = make_timer();
    heap.set(*timer, at(seconds));
    return timer;
}

Time take_next(TimerHeap& heap) {
    const Time due = heap.next_due();
    CHECK(heap.next().due() == due);
    TimerHeap::cancel(heap.next());
    return due;
}

}  // namespace

TEST_CASE("the timer that is due first is the next", "[timer]") {
    TimerHeap heap;
    CHECK(heap.empty());
    for (const int seconds : {5, 9, 3, 7, 3, 1, 8}) {
        set(heap, seconds);
    }
    CHECK(heap.size() == 7);
    for (const int seconds : {1, 3, 3, 5, 7, 8, 9}) {
        CHECK(take_next(heap) == at(seconds));
    }
    CHECK(heap.empty());
}

TEST_CASE("a timer that is cancelled is not due any more, wherever it stands", "[timer]") {
    TimerHeap heap;
    const auto first = set(heap, 1);
    const auto later = set(heap, 9);
    const auto middle = set(heap, 5);
    const auto earliest = set(heap, 0);
    CHECK(later->active());
    TimerHeap::cancel(*later);
    CHECK_FALSE(later->active());
    TimerHeap::cancel(*later);  // again: nothing happens
    CHECK(heap.size() == 3);
    TimerHeap::cancel(*earliest);
    CHECK(&heap.next() == first.get());
    TimerHeap::cancel(*first);
    CHECK(&heap.next() == middle.get());
    TimerHeap::cancel(*middle);
    CHECK(heap.empty());
}

TEST_CASE("a timer that was cancelled can be set again", "[timer]") {
    TimerHeap heap;
    const auto timer = set(heap, 1);
    TimerHeap::cancel(*timer);
    heap.set(*timer, at(7));
    CHECK(timer->active());
    CHECK(heap.next_due() == at(7));
}

TEST_CASE("the next timer can be postponed, behind others or not", "[timer]") {
    TimerHeap heap;
    const auto periodic = set(heap, 1);
    set(heap, 4);
    set(heap, 6);
    heap.postpone_next(at(2));
    CHECK(&heap.next() == periodic.get());
    heap.postpone_next(at(5));
    CHECK(take_next(heap) == at(4));
    CHECK(&heap.next() == periodic.get());
    CHECK(periodic->due() == at(5));
    heap.postpone_next(at(9));
    CHECK(take_next(heap) == at(6));
    CHECK(take_next(heap) == at(9));
}

TEST_CASE("a heap of timers holds a reference to each, and lets go when it is cleared", "[timer]") {
    const auto kept = make_timer();
    {
        TimerHeap heap;
        heap.set(*kept, at(1));
        for (int i = 0; i != 10; ++i) set(heap, i);
        heap.clear();
        CHECK(heap.empty());
        CHECK_FALSE(kept->active());
        heap.set(*kept, at(1));
        set(heap, 2);
    }
    CHECK_FALSE(kept->active());
}

TEST_CASE("all timers of a heap can be listed", "[timer]") {
    TimerHeap heap;
    std::vector<const TimerState*> expected;
    std::vector<Ref<TimerState>> timers;
    for (const int seconds : {5, 7, 3, 9}) {
        timers.push_back(set(heap, seconds));
        expected.push_back(timers.back().get());
    }
    std::vector<const TimerState*> listed = heap.timers();
    std::sort(listed.begin(), listed.end());
    std::sort(expected.begin(), expected.end());
    CHECK(listed == expected);
}

TEST_CASE("a heap of timers behaves as a std::multimap under random operations", "[timer]") {
    std::mt19937 random(1);
    TimerHeap heap;
    std::multimap<Time, Ref<TimerState>> model;
    int now = 0;
    const auto forget = [&](TimerState& timer) {
        const auto [begin, end] = model.equal_range(timer.due());
        model.erase(
            std::find_if(begin, end, [&](const auto& m) { return m.second.get() == &timer; }));
    };
    std::vector<Ref<TimerState>> cancellable;
    for (int step = 0; step != 200'000; ++step) {
        switch (random() % 6) {
            case 0:
            case 1:
            case 2: {
                const int due = now + static_cast<int>(random() % 1000);
                const auto timer = set(heap, due);
                model.emplace(at(due), timer);
                cancellable.push_back(timer);
                break;
            }
            case 3:
                if (!cancellable.empty()) {
                    std::swap(cancellable[random() % cancellable.size()], cancellable.back());
                    if (cancellable.back()->active()) {
                        forget(*cancellable.back());
                        TimerHeap::cancel(*cancellable.back());
                    }
                    cancellable.pop_back();
                }
                break;
            default:
                if (!heap.empty()) {
                    const Ref<TimerState> next(&heap.next());
                    REQUIRE(heap.next_due() == model.begin()->first);
                    forget(*next);
                    now = static_cast<int>(next->due().time_since_epoch() / 1s);
                    if (random() % 3 == 0) {
                        now += 1;
                        heap.postpone_next(at(now + 10));
                        model.emplace(next->due(), next);
                    } else {
                        TimerHeap::cancel(*next);
                    }
                }
        }
        REQUIRE(heap.size() == model.size());
        REQUIRE(heap.empty() == model.empty());
    }
}

TEST_CASE("100,000 timers come in the order in which they are due, or are cancelled", "[timer]") {
    std::mt19937 random(1);
    TimerHeap heap;
    std::vector<Ref<TimerState>> timers;
    for (int i = 0; i != 100'000; ++i) {
        timers.push_back(set(heap, static_cast<int>(random() % 1'000'000)));
    }
    for (std::size_t i = 0; i != timers.size(); i += 2) {
        TimerHeap::cancel(*timers[i]);
    }
    CHECK(heap.size() == 50'000);
    Time last = at(0);
    bool in_order = true;
    while (!heap.empty()) {
        in_order = in_order && heap.next_due() >= last;
        last = heap.next_due();
        TimerHeap::cancel(heap.next());
    }
    CHECK(in_order);
}

TEST_CASE("a timer's handle cancels it when it goes", "[timer]") {
    TimerHeap heap;
    CHECK_FALSE(Timer().active());
    {
        Timer timer(set(heap, 1));
        CHECK(timer.active());
        Timer moved = std::move(timer);
        CHECK_FALSE(timer.active());
        CHECK(moved.active());
        moved = Timer(set(heap, 2));
        CHECK(heap.size() == 1);
        CHECK(heap.next_due() == at(2));
        moved.cancel();
        CHECK_FALSE(moved.active());
        moved = Timer(set(heap, 3));
    }
    CHECK(heap.empty());
}

TEST_CASE("the matcher of a timer matches its events only", "[timer]") {
    const auto state = make_timer();
    const auto other = make_timer();
    const Timer timer(state);
    const auto event_of = [](const Ref<TimerState>& of) {
        return make_event<TimerEvent>(static_cast<const TimerState*>(of.get()), of);
    };
    CHECK(timer.matcher().matches_path(*event_of(state)));
    CHECK_FALSE(timer.matcher().matches_path(*event_of(other)));
    CHECK(TimerState(5s).interval() == 5s);
}

}  // namespace weir
