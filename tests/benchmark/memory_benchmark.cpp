// The memory of routines, events, connections and so on: makes very many of a kind and divides the
// growth of the heap, including the allocator's overhead, by their number. Does not use sizeof.

#include <deque>
#include <memory>
#include <unordered_map>

#include <malloc.h>

#include "core/net/connection.h"
#include "core/net/protocol.h"
#include "core/net/socket_server.h"
#include "core/program/standard_queues.h"
#include "core/run/container.h"
#include "core/run/uv_poller.h"
#include "core/run/wait.h"
#include "core/wait/do_events.h"
#include "core/wait/send.h"
#include "modules/lock/lock.h"
#include "tests/support/bare_coroutine.h"
#include "tests/support/benchmark.h"
#include "tests/support/child.h"
#include "tests/support/lock_world.h"

namespace weir {

namespace {

using benchmark::Bare;
using benchmark::BareLock;
using benchmark::ReadyRing;

// The bytes that are allocated now, including those that weir's pool keeps for reuse.
double heap() {
    const auto info = mallinfo2();
    return static_cast<double>(info.uordblks + info.hblkhd);
}

// Returns the growth of the heap, in bytes, while the function runs.
template <class F>
double growth(F function) {
    const double before = heap();
    function();
    return heap() - before;
}

struct Knock : Event {
    Index<long> door;
    Index<long> bell;

    static auto declare() {
        return declare_event<Knock>("benchmark.Knock")
            .index("door", &Knock::door)
            .index("bell", &Knock::bell);
    }
};

struct World : benchmark::LockWorld {
    // Returns the growth of the heap with so many waiting routines.
    template <class F>
    double routines(long count, F routine) {
        double grown = 0;
        container.start(measure(count, std::move(routine), grown));
        scheduler.run();
        return grown;
    }

private:
    template <class F>
    Task<> measure(long count, F routine, double& grown) {
        const double before = heap();
        for (long i = 0; i != count; ++i) {
            container.start(routine(i), {.daemon = true});
        }
        co_await do_events();
        grown = heap() - before;
    }
};

Task<> wait_for_one(long door) {
    const MatcherOf<Knock> knock = match<Knock>(door).make();
    co_await knock;
}

Task<> wait_for_two(long door) {
    const MatcherOf<Knock> knock = match<Knock>(door).make();
    const MatcherOf<Knock> ring = match<Knock>(any, door).make();
    co_await any_of(knock, ring);
}

double routines(long count) {
    return World().routines(count, wait_for_one);
}

double routines_with_two_matchers(long count) {
    return World().routines(count, wait_for_two);
}

Task<> want(Scheduler& scheduler, IndexValue key) {
    Lock lock(scheduler, std::move(key));
    co_await lock.lock();
    const MatcherOf<Knock> never = match<Knock>(-1).make();
    co_await never;
}

double lock_waiters(long count) {
    World world;
    return world.routines(count, [&](long) { return want(world.scheduler, IndexValue(0)); });
}

Task<> hold(Scheduler& scheduler, long count, double& grown) {
    std::deque<Lock> locks;
    const double before = heap();
    for (long i = 0; i != count; ++i) {
        Lock& lock = locks.emplace_back(scheduler, IndexValue(i));
        co_await lock.lock();
    }
    co_await do_events();
    grown = heap() - before;
}

double locks(long count) {
    World world;
    double grown = 0;
    world.container.start(hold(world.scheduler, count, grown));
    world.scheduler.run();
    return grown;
}

double events(long count) {
    const Ref<Queue> root(new Queue(standard_root()));
    add_standard_queues(*root);
    return growth([&] {
        for (long i = 0; i != count; ++i) {
            const Ref<Event> event = make_event<Knock>(i, i);
            root->append(*event);
        }
    });
}

double queues(long count) {
    const Ref<Queue> root(new Queue(standard_root()));
    return growth([&] {
        for (long i = 0; i != count; ++i) {
            root->add("", 0, match<Knock>(i).make());
        }
    });
}

double timers(long count) {
    World world;
    std::vector<Timer> timers;
    timers.reserve(static_cast<std::size_t>(count));
    return growth([&] {
        for (long i = 0; i != count; ++i) {
            timers.push_back(world.scheduler.set_timer(std::chrono::seconds(1 + i)));
        }
    });
}

// Drops all input.
class Sink : public Protocol {
public:
    std::size_t parse(Connection&, const Input& input, Events&) override {
        return input.bytes.size();
    }
    Task<> init(Connection&) override {
        ++connected;
        co_return;
    }

    long connected = 0;
};

Task<> connect(SocketServer& server, Sink& protocol, long count, double& grown) {
    co_await server.listening();
    std::vector<int> clients(static_cast<std::size_t>(count));
    const double before = heap();
    for (int& client : clients) {
        client = benchmark::connect_to(server.local().port());
    }
    while (protocol.connected != count) {
        co_await do_events();
    }
    const char byte = 0;
    for (const int client : clients) {  // so that each connection has read once
        benchmark::check_call(static_cast<int>(write(client, &byte, 1)), "write");
    }
    while (server.received() != static_cast<std::uint64_t>(count)) {
        co_await do_events();
    }
    co_await do_events();  // all is parsed
    grown = heap() - before;
    for (const int client : clients) {
        close(client);
    }
    server.shutdown();
}

double connections(long count) {
    UvPoller poller;
    Scheduler scheduler(poller, {.queue = standard_root()});
    add_standard_queues(scheduler.queue());
    Sink protocol;
    SocketServer server(scheduler, protocol, "tcp://127.0.0.1:0");
    server.start();
    Container container(scheduler);
    double grown = 0;
    container.start(connect(server, protocol, count, grown));
    scheduler.run();
    return grown;
}

// --- Baselines

struct Forever {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) const { waiting = coroutine; }
    void await_resume() const noexcept {}
    std::coroutine_handle<>& waiting;
};

Bare wait_bare(std::unordered_map<long, std::coroutine_handle<>>& doors, long door) {
    co_await Forever{doors[door]};
}

double routines_bare(long count) {
    std::unordered_map<long, std::coroutine_handle<>> doors;
    return growth([&] {
        for (long i = 0; i != count; ++i) {
            wait_bare(doors, i);
        }
    });
}

Bare want_bare(BareLock& lock) {
    co_await lock.acquire();
}

double lock_waiters_bare(long count) {
    ReadyRing ring;
    BareLock lock(ring);
    const auto owner = lock.acquire().await_ready();
    return owner ? growth([&] {
        for (long i = 0; i != count; ++i) {
            want_bare(lock);
        }
    })
                 : -1;
}

double locks_bare(long count) {
    ReadyRing ring;
    std::unordered_map<long, BareLock> locks;
    return growth([&] {
        for (long i = 0; i != count; ++i) {
            locks.try_emplace(i, ring);
        }
    });
}

double events_bare(long count) {
    std::deque<std::unique_ptr<std::pair<long, long>>> queue;
    return growth([&] {
        for (long i = 0; i != count; ++i) {
            queue.push_back(std::make_unique<std::pair<long, long>>(i, i));
        }
    });
}

double queues_bare(long count) {
    std::unordered_map<long, std::vector<void*>> queues;
    return growth([&] {
        for (long i = 0; i != count; ++i) {
            queues.try_emplace(i);
        }
    });
}

double timers_bare(long count) {
    std::vector<std::pair<Time, void*>> heap;
    return growth([&] {
        for (long i = 0; i != count; ++i) {
            heap.emplace_back();
        }
    });
}

// --- Measuring

// Returns the bytes for one of `count`. Measures in a process of its own, which cannot reuse memory
// that an earlier measurement has freed.
double each(double (*grow)(long), long count) {
    int ends[2];
    benchmark::check_call(pipe(ends), "pipe");
    const pid_t child = benchmark::check_call(fork(), "fork");
    if (child == 0) {
        const double bytes = grow(count);
        _exit(write(ends[1], &bytes, sizeof bytes) == sizeof bytes ? 0 : 1);
    }
    close(ends[1]);
    double bytes = 0;
    const bool measured = read(ends[0], &bytes, sizeof bytes) == sizeof bytes;
    close(ends[0]);
    waitpid(child, nullptr, 0);
    if (!measured) {
        throw std::runtime_error("the measured process failed");
    }
    return bytes / static_cast<double>(count);
}

struct Measured {
    const char* what;
    long count;
    double (*weir)(long);
    double (*baseline)(long);           // null: there is none
    double (*without)(long) = nullptr;  // measured separately, and subtracted
};

constexpr Measured all[] = {
    {"a routine that waits for an event of its own", 100'000, routines, routines_bare},
    {"a further matcher of a waiting routine", 100'000, routines_with_two_matchers, nullptr,
     routines},
    {"a routine that waits for a lock", 100'000, lock_waiters, lock_waiters_bare},
    {"a key that is locked", 100'000, locks, locks_bare},
    {"an event in a queue", 100'000, events, events_bare},
    {"a queue", 100'000, queues, queues_bare},
    {"a timer", 100'000, timers, timers_bare},
    {"a connection", 1000, connections, nullptr},
};

}  // namespace

}  // namespace weir

int main(int argc, char** argv) {
    using namespace weir;
    const auto options = benchmark::options(argc, argv);
    if (options.once > 0 || options.sweep) {
        return 0;
    }
    try {
        benchmark::most_connections();  // raises the limit of open files
        for (const Measured& measured : all) {
            const std::string name = std::string("memory of ") + measured.what;
            if (!options.wants(name)) {
                continue;
            }
            using benchmark::Kind;
            double bytes = each(measured.weir, measured.count);
            if (measured.without != nullptr) {
                bytes -= each(measured.without, measured.count);
            }
            print(options, {name, "weir", Kind::weir, "bytes", {bytes}});
            if (measured.baseline != nullptr) {
                print(options, {name,
                                "baseline",
                                Kind::baseline,
                                "bytes",
                                {each(measured.baseline, measured.count)}});
            }
        }
    } catch (const std::exception& error) {
        std::fprintf(stderr, "memory_benchmark: %s\n", error.what());
        return 1;
    }
}
