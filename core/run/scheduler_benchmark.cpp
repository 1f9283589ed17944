// Events: two routines that wake each other (W4), an event to one of very many (W5).

#include <random>
#include <unordered_map>

#include "core/event/event.h"
#include "core/program/standard_queues.h"
#include "core/run/container.h"
#include "core/run/wait.h"
#include "core/simulation/simulation.h"
#include "core/wait/do_events.h"
#include "core/wait/send.h"
#include "tests/support/bare_coroutine.h"
#include "tests/support/benchmark.h"
#include "tests/support/peer.h"

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

// Makes a circle of so many routines, each of which wakes the next.
Task<> pass_on(long door, long doors, long count) {
    const MatcherOf<Knock> knock = match<Knock>(door).make();
    for (long i = 0; i != count; ++i) {
        co_await knock;
        Ref<Event> next = make_event<Knock>((door + 1) % doors);
        co_await send(std::move(next));
    }
}

void wake_the_next(long doors, long rounds) {
    World world;
    for (long door = 0; door != doors; ++door) {
        world.container.start(pass_on(door, doors, rounds));
    }
    world.scheduler.emergency_send(make_event<Knock>(0));
    world.scheduler.run();
}

// One coroutine waits for this at a time.
struct BareBell {
    ReadyRing* ring;
    bool rung = false;
    std::coroutine_handle<> waiting = nullptr;

    struct Wait {
        BareBell& bell;
        bool await_ready() const noexcept { return bell.rung; }
        void await_suspend(std::coroutine_handle<> coroutine) const noexcept {
            bell.waiting = coroutine;
        }
        void await_resume() const noexcept { bell.rung = false; }
    };
    Wait wait() noexcept { return Wait{*this}; }
    void ring_it() {
        if (waiting) {
            ring->push(std::exchange(waiting, nullptr));
        } else {
            rung = true;
        }
    }
};

Bare pass_on_bare(std::vector<BareBell>& bells, std::size_t mine, long count) {
    for (long i = 0; i != count; ++i) {
        co_await bells[mine].wait();
        bells[(mine + 1) % bells.size()].ring_it();
    }
}

void wake_the_next_bare(long doors, long rounds) {
    ReadyRing ring;
    std::vector<BareBell> bells(static_cast<std::size_t>(doors), BareBell{&ring});
    for (std::size_t i = 0; i != bells.size(); ++i) {
        pass_on_bare(bells, i, rounds);
    }
    bells[0].ring_it();
    ring.run();
    if (!bells[0].rung) {
        std::fprintf(stderr, "the circle has been left\n");
        std::exit(1);
    }
}

// Routines that each wait at a door of their own. Measures the time of knocks at random doors.
class Doors {
public:
    explicit Doors(long doors, long at_a_time = 64) : doors_(doors), at_a_time_(at_a_time) {}

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
        co_await do_events();  // all are waiting now
        std::mt19937_64 random(7);
        const benchmark::Stopwatch watch;
        for (long i = 0; i != count; ++i) {
            Ref<Event> knock = make_event<Knock>(static_cast<long>(random() % doors()));
            co_await send(std::move(knock));
            if (i % at_a_time_ == at_a_time_ - 1) {
                co_await do_events();
            }
        }
        co_await do_events();
        taken = watch.elapsed();
    }

    std::uint64_t doors() const noexcept { return static_cast<std::uint64_t>(doors_); }

    World world_;
    long doors_;
    long at_a_time_;  // knocks that are sent before they are answered
    long counted_ = 0;
};

// A hash map from doors to waiting coroutines.
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

void sweep(const benchmark::Options& options) {
    using benchmark::Kind;
    // Returns the time of a hop, from so many that starting the routines is a small part.
    const auto hop = [](void (*wake)(long, long), long doors) {
        const long rounds = std::max(10L, 50'000 / doors);
        return benchmark::time([&] { wake(doors, rounds); }) / static_cast<double>(doors * rounds);
    };
    benchmark::sweep(
        options, "W4 a hop, by routines in a circle", 1'000'000,
        {{"weir", [=](long doors) { return hop(wake_the_next, doors); }},
         {"baseline", [=](long doors) { return hop(wake_the_next_bare, doors); }, Kind::baseline}});
    constexpr long knocks = 100'000;
    benchmark::sweep(
        options, "W5 an event, by routines with a matcher each", 1'000'000,
        {{"weir", [](long doors) { return Doors(doors).knock(knocks) / knocks; }},
         {"baseline", [](long doors) { return BareDoors(doors).knock(knocks) / knocks; },
          Kind::baseline}});
    constexpr long many = 100'000;
    benchmark::sweep(
        options, "W5 an event to one of 100,000 routines, by events sent at a time", 10'000,
        {{"weir", [](long at_a_time) { return Doors(many, at_a_time).knock(knocks) / knocks; }},
         {"baseline", [](long) { return BareDoors(many).knock(knocks) / knocks; },
          Kind::baseline}});
}

}  // namespace

}  // namespace weir

int main(int argc, char** argv) {
    using namespace weir;
    using benchmark::Kind;
    const auto options = benchmark::options(argc, argv);
    const long hops = options.quick ? 20'000 : 400'000;
    const auto compare =
        [&](const char* name, long operations, std::vector<benchmark::Contender> contenders,
            const std::vector<std::string>& peers, const std::vector<std::string>& words) {
            const auto count = static_cast<double>(operations);
            benchmark::compare(
                options, name, count,
                benchmark::with_peers(options, name, count, std::move(contenders), peers, words));
        };
    const auto wake = [hops](Task<> (*answering)(long, long)) {
        return [=] {
            return benchmark::time(
                [&] { wake_each_other(answering(0, hops / 2), answering(1, hops / 2)); });
        };
    };
    const benchmark::Contender bare{
        "baseline", [=] { return benchmark::time([&] { wake_each_other_bare(hops / 2); }); },
        Kind::baseline};
    compare("W4 two routines wake each other, a hop", hops, {{"weir", wake(answer)}, bare},
            {"Asio", "Node", "asyncio", "VLCP"}, {"W4", "20000"});
    compare("W4 the same with new matchers, a hop", hops,
            {{"weir", wake(answer_with_new_matcher)}, bare}, {}, {});
    for (const long doors : {100'000L, 1'000'000L}) {
        if (options.quick && doors > 100'000) {
            break;
        }
        const long knocks = 200'000;
        const bool many = doors > 100'000;
        compare(many ? "W5 an event to one of 1,000,000 routines"
                     : "W5 an event to one of 100,000 routines",
                knocks,
                {{"weir", [=] { return Doors(doors).knock(knocks); }},
                 {"baseline", [=] { return BareDoors(doors).knock(knocks); }, Kind::baseline}},
                many ? std::vector<std::string>{"Asio"}
                     : std::vector<std::string>{"Asio", "asyncio", "VLCP"},
                {"W5", std::to_string(doors), "50000"});
    }
    sweep(options);
}
