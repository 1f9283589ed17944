// Timers: starting, stopping and firing 100,000 of them (W7).

#include <optional>
#include <queue>
#include <random>

#include "core/timer.h"
#include "tests/support/benchmark.h"

namespace weir {

namespace {

constexpr std::size_t count = 100'000;

std::vector<Time> due_times() {
    std::mt19937_64 random(3);
    std::vector<Time> times(count);
    for (Time& time : times) {
        time = Time(Duration(static_cast<std::int64_t>(random() % 1'000'000'000)));
    }
    return times;
}

const std::vector<Time> due = due_times();

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

    Timers() {
        states.reserve(count);
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

}  // namespace

}  // namespace weir

int main(int argc, char** argv) {
    using namespace weir;
    using benchmark::time;
    const auto options = benchmark::options(argc, argv);
    const auto bare_start = [] {
        BareHeap heap;
        return time([&] {
            for (const Time t : due) {
                heap.push(t);
            }
        });
    };
    const auto bare_fire = [] {
        BareHeap heap;
        for (const Time t : due) {
            heap.push(t);
        }
        return time([&] {
            for (std::size_t i = 0; i != count; ++i) {
                heap.pop();
            }
        });
    };
    benchmark::compare(
        options, "W7 100,000 timers: start", count,
        {{"weir",
          [] {
              std::optional<Timers> timers;  // what ending them costs does not count here
              return time([&] { timers.emplace(); });
          }},
         {"limit", bare_start}});
    benchmark::compare(options, "W7 100,000 timers: stop", count,
                       {{"weir",
                         [] {
                             Timers timers;
                             return time([&] { timers.stop_all(); });
                         }},
                        {"limit (its start)", bare_start}});
    benchmark::compare(options, "W7 100,000 timers: leave in order", count,
                       {{"weir",
                         [] {
                             Timers timers;
                             return time([&] { timers.fire_all(); });
                         }},
                        {"limit", bare_fire}});
}
