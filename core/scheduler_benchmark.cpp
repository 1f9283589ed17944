// Events: two routines that wake each other (W4), an event to one of very many (W5).

#include <random>
#include <unordered_map>

#include "core/container.h"
#include "core/do_events.h"
#include "core/event.h"
#include "core/send.h"
#include "core/simulation.h"
#include "core/standard_queues.h"
#include "core/wait.h"
#include "tests/support/bare_coroutine.h"
#include "tests/support/benchmark.h"

namespace weir {

namespace {

using benchmark::Bare;
using benchmark::NextRound;
using benchmark::ReadyRing;

struct Knock : Event {
    Index<long> door;

    static auto declare() {
        return declare_event<Knock>("benchmark.Knock").index("door", &Knock::door);
    }
};

struct World {
    Simulation simulation;
    Scheduler scheduler{simulation, {.queue = standard_root()}};
    Container container{scheduler};

    World() { add_standard_queues(scheduler.queue()); }
};

Task<> answer(long door, long count) {
    const MatcherOf<Knock> knock = match<Knock>(door).make();
    for (long i = 0; i != count; ++i) {
        co_await knock;
        Ref<Event> back = make_event<Knock>(1 - door);
        co_await send(std::move(back));
    }
}

Task<> answer_with_new_matcher(long door, long count) {
    for (long i = 0; i != count; ++i) {
        const MatcherOf<Knock> knock = match<Knock>(door).make();
        co_await knock;
        Ref<Event> back = make_event<Knock>(1 - door);
        co_await send(std::move(back));
    }
}

void wake_each_other(Task<> first, Task<> second) {
    World world;
    world.container.start(std::move(first));
    world.container.start(std::move(second));
    world.scheduler.emergency_send(make_event<Knock>(0));
    world.scheduler.run();
}

Bare answer_bare(ReadyRing& ring, long count) {
    for (long i = 0; i != count; ++i) {
        co_await NextRound{ring};
    }
}

void wake_each_other_bare(long count) {
    ReadyRing ring;
    answer_bare(ring, count);
    answer_bare(ring, count);
    ring.run();
}

// Routines that each wait at a door of their own; the time of knocks at random doors.
class Doors {
public:
    explicit Doors(long doors) : doors_(doors) {}

    double knock(long count) {
        for (long door = 0; door != doors_; ++door) {
            world_.container.start(count_knocks(door), {.daemon = true});
        }
        double taken = 0;
        world_.container.start(knock_at_random(count, taken));
        world_.scheduler.run();
        if (counted_ != count) {
            std::fprintf(stderr, "%ld of %ld events arrived\n", counted_, count);
            std::exit(1);
        }
        return taken;
    }

private:
    Task<> count_knocks(long door) {
        const MatcherOf<Knock> knock = match<Knock>(door).make();
        while (true) {
            co_await knock;
            ++counted_;
        }
    }

    Task<> knock_at_random(long count, double& taken) {
        co_await do_events();  // all wait now
        std::mt19937_64 random(7);
        const auto start = std::chrono::steady_clock::now();
        for (long i = 0; i != count; ++i) {
            Ref<Event> knock = make_event<Knock>(static_cast<long>(random() % doors()));
            co_await send(std::move(knock));
            if (i % 16 == 15) {
                co_await do_events();
            }
        }
        co_await do_events();
        const std::chrono::duration<double, std::nano> time =
            std::chrono::steady_clock::now() - start;
        taken = time.count();
    }

    std::uint64_t doors() const noexcept { return static_cast<std::uint64_t>(doors_); }

    World world_;
    long doors_;
    long counted_ = 0;
};

// A hash map from doors to coroutines that wait.
class BareDoors {
public:
    explicit BareDoors(long doors) : doors_(doors) {}

    double knock(long count) {
        waiting_.reserve(static_cast<std::size_t>(doors_));
        for (long door = 0; door != doors_; ++door) {
            count_knocks(door);
        }
        std::mt19937_64 random(7);
        const double taken = benchmark::time([&] {
            for (long i = 0; i != count; ++i) {
                const auto door = static_cast<long>(random() % static_cast<std::uint64_t>(doors_));
                waiting_.find(door)->second.resume();
            }
        });
        for (const auto& [door, coroutine] : waiting_) {
            coroutine.destroy();
        }
        return counted_ == count ? taken : -1;
    }

private:
    struct WaitAt {
        BareDoors& doors;
        long door;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> coroutine) const {
            doors.waiting_.insert_or_assign(door, coroutine);
        }
        void await_resume() const noexcept {}
    };

    Bare count_knocks(long door) {
        co_await WaitAt{*this, door};
        while (true) {
            ++counted_;
            co_await std::suspend_always();
        }
    }

    long doors_;
    long counted_ = 0;
    std::unordered_map<long, std::coroutine_handle<>> waiting_;
};

}  // namespace

}  // namespace weir

int main(int argc, char** argv) {
    using namespace weir;
    const auto options = benchmark::options(argc, argv);
    const long hops = options.quick ? 20'000 : 400'000;
    const auto bare = [hops] { return benchmark::time([&] { wake_each_other_bare(hops / 2); }); };
    benchmark::compare(options, "W4 two routines wake each other, a hop", static_cast<double>(hops),
                       {{"weir",
                         [&] {
                             return benchmark::time([&] {
                                 wake_each_other(answer(0, hops / 2), answer(1, hops / 2));
                             });
                         }},
                        {"weir, new matchers",
                         [&] {
                             return benchmark::time([&] {
                                 wake_each_other(answer_with_new_matcher(0, hops / 2),
                                                 answer_with_new_matcher(1, hops / 2));
                             });
                         }},
                        {"limit", bare}});
    for (const long doors : {100'000L, 1'000'000L}) {
        if (options.quick && doors > 100'000) {
            break;
        }
        const long knocks = 200'000;
        benchmark::compare(options,
                           doors == 100'000 ? "W5 an event to one of 100,000 routines"
                                            : "W5 an event to one of 1,000,000 routines",
                           static_cast<double>(knocks),
                           {{"weir", [&] { return Doors(doors).knock(knocks); }},
                            {"limit", [&] { return BareDoors(doors).knock(knocks); }}});
    }
}
