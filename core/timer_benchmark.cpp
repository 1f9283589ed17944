// Timers: starting, stopping and firing 100,000 of them (W7).

#include <optional>
#include <random>

#include "core/timer.h"
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

// The least that keeps times in order: a 4-ary heap of times and numbers, nothing that can be
// cancelled.
class BareHeap {
public:
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
            const std::size_t first = at * 4 + 1;
            std::size_t least = first;
            for (std::size_t i = first + 1; i < std::min(first + 4, heap_.size()); ++i) {
                least = heap_[i] < heap_[least] ? i : least;
            }
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

struct Timers {
    TimerHeap heap;
    std::vector<Ref<TimerState>> states;

    explicit Timers(const Times& due) {
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

// Each takes the time for all timers.

double start(const Times& due) {
    std::optional<Timers> timers;  // what ending them costs does not count here
    return benchmark::time([&] { timers.emplace(due); });
}

double stop(const Times& due) {
    Timers timers(due);
    return benchmark::time([&] { timers.stop_all(); });
}

double fire(const Times& due) {
    Timers timers(due);
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

double start_bare(const Times& due) {
    BareHeap heap;
    return benchmark::time([&] { push_all(heap, due); });
}

double fire_bare(const Times& due) {
    BareHeap heap;
    push_all(heap, due);
    return benchmark::time([&] { pop_all(heap, due.size()); });
}

void start_and_fire(const Times& due) {
    Timers(due).fire_all();
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
    const auto compare = [&, due = due_times(count)](
                             const std::string& name, double (*weir)(const Times&),
                             double (*limit)(const Times&), const std::string& word,
                             const std::vector<std::string>& peers) {
        benchmark::compare(
            options, name, count,
            benchmark::with_peers(options, name, count,
                                  {{"weir", [=] { return weir(due); }},
                                   {"limit", [=] { return limit(due); }, Kind::limit}},
                                  peers, {"W7-" + word, std::to_string(count)}));
    };
    compare("W7 100,000 timers: start", start, start_bare, "start", {"libuv", "Asio", "asyncio"});
    // The limit's timers cannot be stopped: what counts here is the time of their start.
    compare("W7 100,000 timers: stop", stop, start_bare, "stop", {"libuv", "Asio", "asyncio"});
    compare("W7 100,000 timers: leave in order", fire, fire_bare, "fire", {"libuv", "Asio"});

    const auto each = [](void (*all)(const Times&)) {
        return [=](long timers) {
            const long times = std::max(1L, 10'000 / timers);
            const Times due = due_times(timers);
            return benchmark::time([&] {
                       for (long i = 0; i != times; ++i) {
                           all(due);
                       }
                   }) /
                   static_cast<double>(timers * times);
        };
    };
    benchmark::sweep(
        options, "W7 start and leave in order, by timers", 1'000'000,
        {{"weir", each(start_and_fire)}, {"limit", each(start_and_fire_bare), Kind::limit}});
}
