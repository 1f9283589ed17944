// Timers: starting, stopping and firing 100,000 of them (W7).

#include <algorithm>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "core/run/timer.h"
#include "tests/support/benchmark.h"
#include "tests/support/peer.h"

namespace weir {

namespace {

using Times = std::vector<Time>;

Times due_times(long count) {
    std::mt19937_64 random(3);
    Times times(static_cast<std::size_t>(count));
    for (Time& time : times) {
        time = Time(Duration(static_cast<std::int64_t>(random() % 1'000'000'000)));
    }
    return times;
}

// Returns the earliest of up to four items of a heap, beginning with the first, which must exist.
template <class Item>
std::size_t earliest_of_four(const std::vector<Item>& heap, std::size_t first) {
    std::size_t least = first;
    for (std::size_t i = first + 1; i < std::min(first + 4, heap.size()); ++i) {
        least = heap[i] < heap[least] ? i : least;
    }
    return least;
}

// The least that keeps times in order: a 4-ary heap of times that cannot be cancelled.
class BareHeap {
public:
    void clear() noexcept { heap_.clear(); }
    void push(Time time) {
        std::size_t at = heap_.size();
        heap_.push_back(time);
        while (at > 0 && time < heap_[(at - 1) / 4]) {
            heap_[at] = heap_[(at - 1) / 4];
            at = (at - 1) / 4;
        }
        heap_[at] = time;
    }
    void pop() {
        const Time last = heap_.back();
        heap_.pop_back();
        std::size_t at = 0;
        while (at * 4 + 1 < heap_.size()) {
            const std::size_t least = earliest_of_four(heap_, at * 4 + 1);
            if (last <= heap_[least]) {
                break;
            }
            heap_[at] = heap_[least];
            at = least;
        }
        if (!heap_.empty()) {
            heap_[at] = last;
        }
    }

private:
    std::vector<Time> heap_;
};

// The least that keeps times that can be cancelled: a 4-ary heap that records the position of each.
class BareStoppableHeap {
public:
    void clear() noexcept {
        heap_.clear();
        places_.clear();
    }
    // Numbers the times from 0 on.
    void push(Time time) {
        const auto number = static_cast<std::uint32_t>(places_.size());
        places_.push_back(0);
        heap_.push_back({});
        sift_up(heap_.size() - 1, {time, number});
    }
    void remove(std::size_t number) {
        const std::size_t at = places_[number];
        const Item last = heap_.back();
        heap_.pop_back();
        if (at == heap_.size()) {
            return;
        }
        if (at > 0 && last.time < heap_[(at - 1) / 4].time) {
            sift_up(at, last);
        } else {
            sift_down(at, last);
        }
    }

private:
    struct Item {
        Time time;
        std::uint32_t number;

        bool operator<(const Item& other) const noexcept { return time < other.time; }
    };

    void put(std::size_t at, const Item& item) {
        heap_[at] = item;
        places_[item.number] = static_cast<std::uint32_t>(at);
    }
    void sift_up(std::size_t at, const Item& item) {
        for (; at > 0 && item.time < heap_[(at - 1) / 4].time; at = (at - 1) / 4) {
            put(at, heap_[(at - 1) / 4]);
        }
        put(at, item);
    }
    void sift_down(std::size_t at, const Item& item) {
        while (at * 4 + 1 < heap_.size()) {
            const std::size_t least = earliest_of_four(heap_, at * 4 + 1);
            if (item.time <= heap_[least].time) {
                break;
            }
            put(at, heap_[least]);
            at = least;
        }
        put(at, item);
    }

    std::vector<Item> heap_;
    std::vector<std::uint32_t> places_;  // by number
};

struct Timers {
    TimerHeap heap;
    std::vector<Ref<TimerState>> states;

    void start_all(const Times& due) {
        states.clear();
        states.reserve(due.size());
        for (const Time time : due) {
            states.emplace_back(new TimerState(Duration::zero()));
            heap.set(*states.back(), time);
        }
    }
    void stop_all() {
        for (const Ref<TimerState>& state : states) {
            TimerHeap::cancel(*state);
        }
    }
    void fire_all() {
        while (!heap.empty()) {
            TimerHeap::cancel(heap.next());
        }
    }
};

// Each function measures all timers, and leaves the heap empty with its capacity for the next run.

double start(Timers& timers, const Times& due) {
    const double taken = benchmark::time([&] { timers.start_all(due); });
    timers.stop_all();
    return taken;
}

double stop(Timers& timers, const Times& due) {
    timers.start_all(due);
    return benchmark::time([&] { timers.stop_all(); });
}

double fire(Timers& timers, const Times& due) {
    timers.start_all(due);
    return benchmark::time([&] { timers.fire_all(); });
}

void push_all(BareHeap& heap, const Times& due) {
    for (const Time time : due) {
        heap.push(time);
    }
}

void pop_all(BareHeap& heap, std::size_t count) {
    for (std::size_t i = 0; i != count; ++i) {
        heap.pop();
    }
}

double start_bare(BareHeap& heap, const Times& due) {
    heap.clear();
    return benchmark::time([&] { push_all(heap, due); });
}

double stop_bare(BareStoppableHeap& heap, const Times& due) {
    heap.clear();
    for (const Time time : due) {
        heap.push(time);
    }
    return benchmark::time([&] {
        for (std::size_t i = 0; i != due.size(); ++i) {
            heap.remove(i);
        }
    });
}

double fire_bare(BareHeap& heap, const Times& due) {
    heap.clear();
    push_all(heap, due);
    return benchmark::time([&] { pop_all(heap, due.size()); });
}

void start_and_fire(const Times& due) {
    Timers timers;
    timers.start_all(due);
    timers.fire_all();
}

void start_and_fire_bare(const Times& due) {
    BareHeap heap;
    push_all(heap, due);
    pop_all(heap, due.size());
}

}  // namespace

}  // namespace weir

int main(int argc, char** argv) {
    using namespace weir;
    using benchmark::Kind;
    const auto options = benchmark::options(argc, argv);
    constexpr long count = 100'000;
    const Times due = due_times(count);
    Timers timers;
    BareHeap heap;
    BareStoppableHeap stoppable;
    const auto compare = [&](const std::string& name, double (*weir)(Timers&, const Times&),
                             std::function<double()> baseline, const std::string& word,
                             const std::vector<std::string>& peers) {
        benchmark::compare(
            options, name, count,
            benchmark::with_peers(options, name, count,
                                  {{"weir", [&, weir] { return weir(timers, due); }},
                                   {"baseline", std::move(baseline), Kind::baseline}},
                                  peers, {"W7-" + word, std::to_string(count)}));
    };
    compare("W7 100,000 timers: start", start, [&] { return start_bare(heap, due); }, "start",
            {"libuv", "Asio", "asyncio"});
    compare("W7 100,000 timers: stop", stop, [&] { return stop_bare(stoppable, due); }, "stop",
            {"libuv", "Asio", "asyncio"});
    compare("W7 100,000 timers: leave in order", fire, [&] { return fire_bare(heap, due); }, "fire",
            {"libuv", "Asio"});

    const auto each = [](void (*all)(const Times&)) {
        return [=](long number) {
            const long times = std::max(1L, 10'000 / number);
            const Times all_due = due_times(number);
            return benchmark::time([&] {
                       for (long i = 0; i != times; ++i) {
                           all(all_due);
                       }
                   }) /
                   static_cast<double>(number * times);
        };
    };
    benchmark::sweep(
        options, "W7 start and leave in order, by timers", 1'000'000,
        {{"weir", each(start_and_fire)}, {"baseline", each(start_and_fire_bare), Kind::baseline}});
}
