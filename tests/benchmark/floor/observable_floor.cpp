// The floor of W1 to W4: what weir shows of these workloads costs at least this much.
//
// A model that does nothing else, and keeps all that can be observed there: events are objects that
// go through queues by priority, in fair turns, and are counted; each round has its own two events;
// matchers are found by an event's type and index, in the order of waiting; a tracer could look at
// each step; routines are listed, with the line where each waits and since when; locks have
// waiters in order, limits, fencing tokens, statistics, counts for deadlocks, and events that block
// until the lock is given back. What it leaves out is what makes a library: other shapes of the
// queue tree, other matchers, failures, timeouts, quitting.
//
// The baseline of a benchmark is the least that does the work; this is the least that shows it.

#include <charconv>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "tests/benchmark/floor/model_locks.h"
#include "tests/support/benchmark.h"

namespace weir::floor {

namespace {

Task increment(Scheduler& scheduler, Locks& locks, IndexValue key, long& counter) {
    Lock lock(scheduler, locks, key);
    co_await lock.lock();
    const long before = counter;
    co_await NextRound(scheduler);
    counter = before + 1;
}

void many_on_each_key(long keys, long routines) {
    Poller poller;
    Scheduler scheduler(poller);
    Locks locks(scheduler);
    std::vector<long> counters(static_cast<std::size_t>(keys));
    for (long i = 0; i != keys * routines; ++i) {
        scheduler.start(increment(scheduler, locks, IndexValue(i % keys),
                                  counters[static_cast<std::size_t>(i % keys)]));
    }
    scheduler.run();
    for (const long counter : counters) {
        if (counter != routines) {
            throw std::runtime_error("lost an update");
        }
    }
}

Task lock_each(Scheduler& scheduler, Locks& locks, long keys) {
    char text[32];
    std::memcpy(text, "key:", 4);
    for (long n = 0; n != keys; ++n) {
        char* const end = std::to_chars(text + 4, text + sizeof text, n).ptr;
        Lock lock(scheduler, locks, std::string_view(text, static_cast<std::size_t>(end - text)));
        co_await lock.lock();
        lock.unlock();
        if (n % 64 == 63) {
            co_await NextRound(scheduler);
        }
    }
}

void a_new_key_each(long keys) {
    Poller poller;
    Scheduler scheduler(poller);
    Locks locks(scheduler);
    scheduler.start(lock_each(scheduler, locks, keys));
    scheduler.run();
}

Task answer(Scheduler& scheduler, Type& knock, long number, long count) {
    Subscription mine(knock.node(number));
    for (long i = 0; i != count; ++i) {
        co_await mine;
        scheduler.send(*new Event(knock, 1 - number));
    }
}

void wake_each_other(long hops) {
    Poller poller;
    Scheduler scheduler(poller);
    Type knock{"knock", Scheduler::plain};
    scheduler.start(answer(scheduler, knock, 0, hops / 2));
    scheduler.start(answer(scheduler, knock, 1, hops / 2));
    Event& first = *new Event(knock, 0);
    scheduler.send(first);
    scheduler.run();
}

}  // namespace

}  // namespace weir::floor

int main(int argc, char** argv) {
    using namespace weir;
    const auto options = benchmark::options(argc, argv);
    const auto floor_of = [&](const char* name, long operations, std::function<void()> run) {
        benchmark::compare(options, name, static_cast<double>(operations),
                           {{"floor", [=] { return benchmark::time(run); }}});
    };
    floor_of("W1 floor", 10'000, [] { floor::many_on_each_key(1, 10'000); });
    floor_of("W2 floor", 100'000, [] { floor::a_new_key_each(100'000); });
    floor_of("W3 floor", 100'000, [] { floor::many_on_each_key(1'000, 100); });
    floor_of("W4 floor", 100'000, [] { floor::wake_each_other(100'000); });
}
