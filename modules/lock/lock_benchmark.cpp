// Locks: many routines on one key (W1), a new key each time (W2), many keys with waiters (W3).

#include <charconv>
#include <concepts>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

#include <uv.h>

#include "core/run/container.h"
#include "core/run/uv_poller.h"
#include "core/wait/do_events.h"
#include "modules/lock/lock.h"
#include "tests/support/bare_coroutine.h"
#include "tests/support/benchmark.h"
#include "tests/support/lock_world.h"
#include "tests/support/peer.h"

namespace weir {

namespace {

using benchmark::Bare;
using benchmark::BareLock;
using benchmark::NextRound;
using benchmark::ReadyRing;
using World = benchmark::LockWorld;
using WorldWithPolls = benchmark::LockWorldOn<UvPoller>;

void expect(long got, long wanted) {
    if (got != wanted) {
        std::fprintf(stderr, "lost an update: %ld instead of %ld\n", got, wanted);
        std::exit(1);
    }
}

Task<> increment(Scheduler& scheduler, IndexValue key, long& counter) {
    Lock lock(scheduler, std::move(key));
    co_await lock.lock();
    const long before = counter;
    co_await do_events();
    counter = before + 1;
}

// A ring, and a libuv loop that is polled at each yield without waiting.
class PolledRing : public ReadyRing {
public:
    PolledRing() {
        uv_loop_init(&loop_);
        uv_idle_init(&loop_, &alive_);
        uv_idle_start(&alive_, [](uv_idle_t*) {});
    }
    PolledRing(const PolledRing&) = delete;
    PolledRing& operator=(const PolledRing&) = delete;
    ~PolledRing() {
        uv_close(reinterpret_cast<uv_handle_t*>(&alive_), nullptr);
        uv_run(&loop_, UV_RUN_DEFAULT);
        uv_loop_close(&loop_);
    }

    void poll() { uv_run(&loop_, UV_RUN_NOWAIT); }

private:
    uv_loop_t loop_{};
    uv_idle_t alive_{};
};

template <class Ring>
Bare increment_bare(Ring& ring, BareLock& lock, long& counter) {
    co_await lock.acquire();
    const long before = counter;
    co_await NextRound{ring};
    if constexpr (std::same_as<Ring, PolledRing>) {
        ring.poll();
    }
    counter = before + 1;
    lock.release();
}

// Runs so many routines for each key, all of it so many times.
template <class AnyWorld>
void many_on_each_key(long keys, long routines, long times) {
    AnyWorld world;
    std::vector<long> counters(static_cast<std::size_t>(keys));
    for (long done = 0; done != times; ++done) {
        for (long i = 0; i != keys * routines; ++i) {
            world.container.start(increment(world.scheduler, IndexValue(i % keys),
                                            counters[static_cast<std::size_t>(i % keys)]));
        }
        world.scheduler.run();
    }
    for (const long counter : counters) {
        expect(counter, routines * times);
    }
}

template <class Ring>
void many_on_each_key_bare(long keys, long routines, long times) {
    Ring ring;
    std::vector<long> counters(static_cast<std::size_t>(keys));
    std::unordered_map<long, std::unique_ptr<BareLock>> locks;
    for (long done = 0; done != times; ++done) {
        for (long i = 0; i != keys * routines; ++i) {
            auto& lock = locks[i % keys];
            if (lock == nullptr) {
                lock = std::make_unique<BareLock>(ring);
            }
            increment_bare(ring, *lock, counters[static_cast<std::size_t>(i % keys)]);
        }
        ring.run();
    }
    for (const long counter : counters) {
        expect(counter, routines * times);
    }
}

std::string_view key_text(char (&text)[32], long n) {
    std::memcpy(text, "key:", 4);
    return {text, static_cast<std::size_t>(std::to_chars(text + 4, text + 32, n).ptr - text)};
}

// Locks and unlocks `keys` keys, one after the other, while it holds `held` other keys. Measures
// the former.
Task<> lock_each(Scheduler& scheduler, long held, long keys, double& taken) {
    char text[32];
    std::deque<Lock> holding;
    for (long n = 0; n != held; ++n) {
        Lock& lock = holding.emplace_back(scheduler, IndexValue(n));
        co_await lock.lock();
    }
    co_await do_events();  // the events of this are not counted
    const benchmark::Stopwatch watch;
    for (long n = 0; n != keys; ++n) {
        Lock lock(scheduler, key_text(text, n));
        co_await lock.lock();
        lock.unlock();
        if (n % 64 == 63) {
            co_await do_events();  // lets the events of the locks leave
        }
    }
    taken = watch.elapsed();
}

double a_new_key_each(long held, long keys) {
    double taken = 0;
    World world;
    world.container.start(lock_each(world.scheduler, held, keys, taken));
    world.scheduler.run();
    return taken;
}

Bare lock_each_bare(ReadyRing& ring, long held, long keys, double& taken) {
    char text[32];
    std::unordered_map<std::string, BareLock> locks;
    for (long n = 0; n != held; ++n) {
        BareLock& lock = locks.try_emplace(std::to_string(n), ring).first->second;
        co_await lock.acquire();
    }
    const benchmark::Stopwatch watch;
    for (long n = 0; n != keys; ++n) {
        const auto lock = locks.try_emplace(std::string(key_text(text, n)), ring).first;
        co_await lock->second.acquire();
        lock->second.release();
        locks.erase(lock);
    }
    taken = watch.elapsed();
}

double a_new_key_each_bare(long held, long keys) {
    double taken = 0;
    ReadyRing ring;
    lock_each_bare(ring, held, keys, taken);
    ring.run();
    return taken;
}

// Returns the time of one cycle, from enough of them.
template <class F>
double cycle(F many, long keys, long routines) {
    const long times = std::max(1L, 20'000 / (keys * routines));
    return benchmark::time([&] { many(keys, routines, times); }) /
           static_cast<double>(keys * routines * times);
}

void sweep(const benchmark::Options& options) {
    const auto both = [](long keys, long routines) {
        return std::vector<benchmark::Sized>{
            {"weir",
             [=](long size) {
                 return cycle(many_on_each_key<World>, keys == 0 ? size : keys,
                              routines == 0 ? size : routines);
             }},
            {"baseline",
             [=](long size) {
                 return cycle(many_on_each_key_bare<ReadyRing>, keys == 0 ? size : keys,
                              routines == 0 ? size : routines);
             },
             benchmark::Kind::baseline}};
    };
    benchmark::sweep(options, "W1 a cycle, by routines that want the lock", 1'000'000, both(1, 0));
    constexpr long locked = 20'000;
    benchmark::sweep(
        options, "W2 lock and unlock, by keys that are held", 1'000'000,
        {{"weir", [](long held) { return a_new_key_each(held, locked) / locked; }},
         {"baseline", [](long held) { return a_new_key_each_bare(held, locked) / locked; },
          benchmark::Kind::baseline}});
    benchmark::sweep(options, "W3 a cycle, by keys with 10 routines each", 100'000, both(0, 10));
}

}  // namespace

}  // namespace weir

int main(int argc, char** argv) {
    using namespace weir;
    const auto options = benchmark::options(argc, argv);
    const auto compare = [&](const char* name, long operations, std::function<double()> weir,
                             std::function<double()> baseline,
                             const std::vector<std::string>& peers,
                             const std::vector<std::string>& words) {
        const auto count = static_cast<double>(operations);
        benchmark::compare(
            options, name, count,
            benchmark::with_peers(options, name, count,
                                  {{"weir", std::move(weir)},
                                   {"baseline", std::move(baseline), benchmark::Kind::baseline}},
                                  peers, words));
    };
    using Many = void (*)(long keys, long routines, long times);
    const auto crowd = [&](const char* name, long keys, long routines, Many weir, Many baseline,
                           const std::vector<std::string>& peers) {
        compare(
            name, keys * routines,
            [=] { return benchmark::time([&] { weir(keys, routines, 1); }); },
            [=] { return benchmark::time([&] { baseline(keys, routines, 1); }); }, peers,
            {keys == 1 ? "W1" : "W3", std::to_string(keys), std::to_string(routines)});
    };
    const std::vector<std::string> all_peers{"Asio", "Node", "asyncio", "VLCP"};
    crowd("W1 one lock, 10,000 routines", 1, 10'000, many_on_each_key<World>,
          many_on_each_key_bare<ReadyRing>, all_peers);
    crowd("W1 on libuv, one lock, 10,000 routines", 1, 10'000, many_on_each_key<WorldWithPolls>,
          many_on_each_key_bare<PolledRing>, {});
    const long keys = options.quick ? 100'000 : 1'000'000;
    compare(
        "W2 a new key each, no waiters", keys, [=] { return a_new_key_each(0, keys); },
        [=] { return a_new_key_each_bare(0, keys); }, {"Asio", "asyncio", "VLCP"},
        {"W2", "100000"});
    crowd("W3 1,000 keys, 100 routines each", 1'000, 100, many_on_each_key<World>,
          many_on_each_key_bare<ReadyRing>, all_peers);
    sweep(options);
}
