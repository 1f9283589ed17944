// Locks: many routines on one key (W1), a new key each time (W2), many keys with waiters (W3).

#include <charconv>
#include <memory>
#include <string>
#include <unordered_map>

#include "core/container.h"
#include "core/do_events.h"
#include "core/simulation.h"
#include "core/standard_queues.h"
#include "modules/lock/lock.h"
#include "modules/lock/lock_table.h"
#include "tests/support/bare_coroutine.h"
#include "tests/support/benchmark.h"

namespace weir {

namespace {

using benchmark::Bare;
using benchmark::BareLock;
using benchmark::NextRound;
using benchmark::ReadyRing;

// A scheduler with the queues that locks need, in virtual time: no poll is paid for.
struct World {
    Simulation simulation;
    Scheduler scheduler{simulation, {.queue = standard_root()}};
    Container container{scheduler};

    World() {
        add_standard_queues(scheduler.queue());
        add_lock_queue(scheduler);
    }
};

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

Bare increment_bare(ReadyRing& ring, BareLock& lock, long& counter) {
    co_await lock.acquire();
    const long before = counter;
    co_await NextRound{ring};
    counter = before + 1;
    lock.release();
}

void many_on_each_key(long keys, long routines) {
    World world;
    std::vector<long> counters(static_cast<std::size_t>(keys));
    for (long i = 0; i != keys * routines; ++i) {
        world.container.start(increment(world.scheduler, IndexValue(i % keys),
                                        counters[static_cast<std::size_t>(i % keys)]));
    }
    world.scheduler.run();
    for (const long counter : counters) {
        expect(counter, routines);
    }
}

void many_on_each_key_bare(long keys, long routines) {
    ReadyRing ring;
    std::vector<long> counters(static_cast<std::size_t>(keys));
    std::unordered_map<long, std::unique_ptr<BareLock>> locks;
    for (long i = 0; i != keys * routines; ++i) {
        auto& lock = locks[i % keys];
        if (lock == nullptr) {
            lock = std::make_unique<BareLock>(ring);
        }
        increment_bare(ring, *lock, counters[static_cast<std::size_t>(i % keys)]);
    }
    ring.run();
    for (const long counter : counters) {
        expect(counter, routines);
    }
}

std::string_view key_text(char (&text)[32], long n) {
    std::memcpy(text, "key:", 4);
    return {text, static_cast<std::size_t>(std::to_chars(text + 4, text + 32, n).ptr - text)};
}

Task<> lock_each(Scheduler& scheduler, long keys) {
    char text[32];
    for (long n = 0; n != keys; ++n) {
        Lock lock(scheduler, key_text(text, n));
        co_await lock.lock();
        lock.unlock();
        if (n % 64 == 63) {
            co_await do_events();  // lets the events of the locks leave
        }
    }
}

void a_new_key_each(long keys) {
    World world;
    world.container.start(lock_each(world.scheduler, keys));
    world.scheduler.run();
}

Bare lock_each_bare(ReadyRing& ring, long keys) {
    char text[32];
    std::unordered_map<std::string, BareLock> locks;
    for (long n = 0; n != keys; ++n) {
        const auto lock = locks.try_emplace(std::string(key_text(text, n)), ring).first;
        co_await lock->second.acquire();
        lock->second.release();
        locks.erase(lock);
    }
}

void a_new_key_each_bare(long keys) {
    ReadyRing ring;
    lock_each_bare(ring, keys);
    ring.run();
}

}  // namespace

}  // namespace weir

int main(int argc, char** argv) {
    using namespace weir;
    const auto options = benchmark::options(argc, argv);
    const auto compare = [&](const char* name, long operations, std::function<void()> weir,
                             std::function<void()> limit) {
        benchmark::compare(options, name, static_cast<double>(operations),
                           {{"weir", [run = std::move(weir)] { return benchmark::time(run); }},
                            {"limit", [run = std::move(limit)] { return benchmark::time(run); }}});
    };
    compare(
        "W1 one lock, 10,000 routines", 10'000, [] { many_on_each_key(1, 10'000); },
        [] { many_on_each_key_bare(1, 10'000); });
    const long keys = options.quick ? 100'000 : 1'000'000;
    compare(
        "W2 a new key each, nobody waits", keys, [&] { a_new_key_each(keys); },
        [&] { a_new_key_each_bare(keys); });
    compare(
        "W3 1,000 keys, 100 routines each", 100'000, [] { many_on_each_key(1'000, 100); },
        [] { many_on_each_key_bare(1'000, 100); });
}
