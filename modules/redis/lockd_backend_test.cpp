#include "modules/redis/lockd_backend.h"

#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/queue/leaf_queue.h"
#include "modules/lock/errors.h"
#include "modules/lock/events.h"
#include "modules/lock/lock.h"
#include "modules/lock/session.h"
#include "modules/lock/table.h"
#include "modules/redis/test_lockd.h"
#include "modules/testing/allocations.h"
#include "tests/support/campaign.h"

using namespace weir;
using namespace weir::redis;

namespace {

constexpr Duration lease = 4s;

// A process that asks lockd for a key, without a table of locks.
struct OtherProcess final : LockBackend::User {
    OtherProcess(Scheduler& scheduler, FakeLockd& lockd)
        : backend(scheduler, lockd.options(), {.lease = lease, .owner = "other"}) {}

    void slot_granted(RemoteSlot& granted) noexcept override {
        const AllocationPause pause;
        said = "granted";
        token = granted.token();
    }
    void slot_not_free(RemoteSlot&) noexcept override {
        const AllocationPause pause;
        said = "not free";
    }
    void slot_refused(RemoteSlot&, std::exception_ptr error) noexcept override {
        const AllocationPause pause;
        try {
            std::rethrow_exception(std::move(error));
        } catch (const std::exception& failure) {
            said = failure.what();
        }
    }
    void slot_lost(RemoteSlot&, const std::string& reason) noexcept override {
        const AllocationPause pause;
        said = reason;
        slot.reset();
    }

    void ask(const char* key = "a", std::size_t size = 1, bool only_tries = false) {
        said.clear();
        slot = backend.ask("default", IndexValue(key), size, only_tries, *this);
    }
    // Until it has heard of the slot.
    Task<> heard() {
        while (said.empty()) {
            co_await sleep(1ms);
        }
    }
    bool believes(Poller& poller) const {
        return slot != nullptr && slot->valid_until() > boot_time(poller);
    }

    LockdBackend backend;
    std::unique_ptr<RemoteSlot> slot;
    std::string said;
    std::uint64_t token = 0;
};

struct LockdWorld : test::VirtualWorld {
    explicit LockdWorld(std::uint64_t seed = 1) : VirtualWorld(seed), lockd(scheduler) {}

    template <class... T>
    void run(T... tasks) {
        run_to_end(std::move(tasks)...);
    }

    FakeLockd lockd;
};

}  // namespace

TEST_CASE("a text is its own name at lockd, and other keys have names that no such text has") {
    CHECK(lockd_key("backup") == "backup");
    CHECK(lockd_key("a b/\xc3\xa4") == "a b/\xc3\xa4");
    CHECK(lockd_key("") == "%");
    CHECK(lockd_key("%x") == "%%25x");
    CHECK(lockd_key("\xff") == "%%FF");
    CHECK(lockd_key(7) == "%=7");
    CHECK(lockd_key("7") == "7");
    CHECK(lockd_key(std::tuple("a", 1)) != lockd_key("(\"a\", 1)"));
    CHECK(lockd_context("") == "%");
    CHECK(lockd_context("default") == "default");
    int object = 0;
    CHECK_THROWS_AS(lockd_key(&object), LockError);
}

TEST_CASE("a process waits for the holder in another process, and tokens grow") {
    LockdWorld world;
    OtherProcess first(world.scheduler, world.lockd);
    OtherProcess second(world.scheduler, world.lockd);
    const auto test = [&]() -> Task<> {
        first.ask();
        co_await first.heard();
        CHECK(first.said == "granted");
        CHECK(first.believes(world.poller));
        second.ask("a", 1, true);
        co_await second.heard();
        CHECK(second.said == "not free");
        second.ask();
        co_await sleep(1min);  // sessions are renewed
        CHECK(second.said.empty());
        CHECK(first.believes(world.poller));
        CHECK_FALSE(second.believes(world.poller));
        first.slot.reset();
        co_await second.heard();
        CHECK(second.said == "granted");
        CHECK(second.token > first.token);
        second.slot.reset();
        co_await sleep(1s);
        CHECK(world.lockd.holders("a") == 0);
        Task<> closing = first.backend.close();
        co_await closing;
        Task<> closing_second = second.backend.close();
        co_await closing_second;
        CHECK(world.lockd.sessions() == 0);
    };
    world.run(test());
}

TEST_CASE("a wait that is given up leaves neither a wait nor a lock at lockd") {
    LockdWorld world;
    OtherProcess holder(world.scheduler, world.lockd);
    OtherProcess waiter(world.scheduler, world.lockd);
    const auto test = [&]() -> Task<> {
        holder.ask();
        co_await holder.heard();
        for (const Duration time : {0ms, 1ms, 2ms, 5ms, 1000ms}) {
            waiter.ask();
            co_await sleep(time);
            waiter.slot.reset();
        }
        co_await sleep(1s);
        CHECK(world.lockd.waiters("a") == 0);
        holder.slot.reset();
        co_await sleep(1s);
        CHECK(world.lockd.holders("a") == 0);
    };
    world.run(test());
}

TEST_CASE("as many processes hold a semaphore as it has slots, whichever makes it") {
    LockdWorld world;
    std::vector<std::unique_ptr<OtherProcess>> processes;
    for (int i = 0; i != 4; ++i) {
        processes.push_back(std::make_unique<OtherProcess>(world.scheduler, world.lockd));
    }
    const auto test = [&]() -> Task<> {
        for (const auto& process : processes) {
            process->ask("pool", 3);
        }
        co_await sleep(10s);
        CHECK(world.lockd.holders("pool") == 3);
        CHECK(std::ranges::count_if(
                  processes, [](const auto& process) { return process->said == "granted"; }) == 3);
        const auto holder = std::ranges::find_if(
            processes, [](const auto& process) { return process->said == "granted"; });
        (*holder)->slot.reset();
        co_await sleep(1s);
        CHECK(world.lockd.holders("pool") == 3);
    };
    world.run(test());
}

TEST_CASE("all processes that read share a lock, and exclude one that does not") {
    LockdWorld world;
    OtherProcess reader(world.scheduler, world.lockd);
    OtherProcess second_reader(world.scheduler, world.lockd);
    OtherProcess writer(world.scheduler, world.lockd);
    const auto test = [&]() -> Task<> {
        reader.ask("a", unlimited);
        second_reader.ask("a", unlimited);
        co_await reader.heard();
        co_await second_reader.heard();
        CHECK(world.lockd.holders("a") == 2);
        writer.ask("a");
        co_await sleep(1min);
        CHECK(writer.said.empty());
        reader.slot.reset();
        second_reader.slot.reset();
        co_await writer.heard();
        CHECK(writer.said == "granted");
        CHECK(world.lockd.holders("a") == 1);
    };
    world.run(test());
}

TEST_CASE("with its connection a lock is lost, and given back when lockd can be reached again") {
    LockdWorld world;
    OtherProcess process(world.scheduler, world.lockd);
    const auto test = [&]() -> Task<> {
        process.ask();
        co_await process.heard();
        world.lockd.refuses = true;
        process.said.clear();
        world.lockd.cut();
        co_await process.heard();
        CHECK(process.said ==
              "the connection to lockd is lost (reading from memory: connection reset by peer "
              "(ECONNRESET)): it may have been restarted, and another process may hold the lock");
        CHECK(process.backend.obstacle().starts_with("lockd at tcp://lockd:1 cannot be reached ("));
        process.ask("a", 1, true);
        co_await process.heard();
        CHECK(process.said == "lock 'a' in context 'default': lockd has not answered");
        process.ask();
        world.lockd.refuses = false;
        co_await process.heard();
        CHECK(process.said == "granted");
        CHECK(process.backend.obstacle().empty());
        CHECK(world.lockd.holders("a") == 1);
    };
    world.run(test());
}

TEST_CASE("a lock is not certain any more before lockd gives it to another process") {
    LockdWorld world;
    OtherProcess cut_off(world.scheduler, world.lockd);
    OtherProcess other(world.scheduler, world.lockd);
    const auto test = [&]() -> Task<> {
        cut_off.ask();
        co_await cut_off.heard();
        co_await sleep(10s);
        world.lockd.is_silent = true;  // towards all; it executes what it reads
        world.lockd.most_lag = 1h;     // but not in time
        cut_off.said.clear();
        const Time since = world.scheduler.now();
        co_await cut_off.heard();
        CHECK(cut_off.said.starts_with("lockd has not confirmed the session in time"));
        CHECK(world.scheduler.now() - since <= lease * 3 / 4 + 1ms);
        CHECK(world.lockd.holders("a") == 1);
        co_await sleep(lease);
        CHECK(world.lockd.holders("a") == 0);
    };
    world.run(test());
}

TEST_CASE("a lock that an administrator breaks at lockd is lost with its reason") {
    LockdWorld world;
    OtherProcess process(world.scheduler, world.lockd);
    const auto test = [&]() -> Task<> {
        process.ask();
        co_await process.heard();
        process.said.clear();
        world.lockd.break_lock("a");
        const Time since = world.scheduler.now();
        co_await process.heard();
        CHECK(process.said == "broken");
        CHECK(world.scheduler.now() - since <= lease / 4 + 1ms);
    };
    world.run(test());
}

TEST_CASE("a renewal that cannot be understood loses its lock, and the others are renewed") {
    LockdWorld world;
    OtherProcess process(world.scheduler, world.lockd);
    const auto test = [&](const char* answer) -> Task<> {
        process.ask();
        co_await process.heard();
        CHECK(process.said == "granted");
        process.said.clear();
        world.lockd.renewal = answer;
        co_await process.heard();
        CHECK(process.said.starts_with("lockd's answer to the renewal of the session cannot be"));
        world.lockd.renewal.clear();
    };
    const auto all = [&]() -> Task<> {
        for (const char* answer :
             {"what?", "[]", R"({"lost": [1]})", R"({"lost": [{"token": "one"}]})"}) {
            INFO(answer);
            co_await test(answer);
        }
        process.ask();
        co_await process.heard();
        co_await sleep(1min);
        CHECK(process.believes(world.poller));
        CHECK(world.lockd.holders("a") == 1);
    };
    world.run(all());
}

TEST_CASE("of many locks that are released together, few sessions are kept for the next ones") {
    LockdWorld world;
    OtherProcess process(world.scheduler, world.lockd);
    const auto test = [&]() -> Task<> {
        std::vector<std::unique_ptr<RemoteSlot>> slots;
        for (int key = 0; key != 100; ++key) {
            slots.push_back(process.backend.ask("default", IndexValue(key), 1, false, process));
        }
        co_await sleep(1s);
        CHECK(process.backend.sessions() == 100);
        slots.clear();
        co_await sleep(1s);
        CHECK(process.backend.sessions() == 16);
        CHECK(world.lockd.sessions() == 16);
        process.ask();
        co_await process.heard();
        CHECK(process.backend.sessions() == 16);
    };
    world.run(test());
}

TEST_CASE("locks of the module are granted with lockd, and their holders learn a loss") {
    LockdWorld world;
    add_lock_queue(world.scheduler, {});
    LockTable::of(world.scheduler)
        .set_backend(std::make_unique<LockdBackend>(world.scheduler, world.lockd.options()));
    OtherProcess other(world.scheduler, world.lockd);
    const auto test = [&]() -> Task<> {
        {
            Lock lock(world.scheduler, "a");
            const bool taken = co_await lock.lock(1s);
            CHECK(taken);
            CHECK(lock.locked());
            LockSession session(world.scheduler, "ann");
            CHECK(session.confirmed_for("b") == 0s);
            const auto token = co_await session.acquire("b");
            CHECK(token);
            CHECK(session.confirmed_for("b") > 0s);
            CHECK(session.confirmed_for("b") <= LockdBackendOptions().lease * 3 / 4);
            session.close();
            Lock local(world.scheduler, "a");
            const bool not_taken = co_await local.lock(1s);
            CHECK_FALSE(not_taken);
            other.ask("a", 1, true);
            co_await other.heard();
            CHECK(other.said == "not free");
            lock.unlock();
            co_await sleep(1s);
            other.ask();
            co_await other.heard();
            CHECK(other.said == "granted");
            const bool theirs = co_await lock.lock(1s);
            CHECK_FALSE(theirs);
            other.slot.reset();
            const bool again = co_await lock.lock(1s);
            CHECK(again);
            world.lockd.restart();
            co_await sleep(1ms);
            CHECK_FALSE(lock.locked());
            other.ask();
            co_await other.heard();
            CHECK(other.said == "granted");
        }
        co_await remove_lock_queue(world.scheduler, true);
    };
    world.run(test());
}

TEST_CASE("while lockd is silent nobody is told that a lock is not free") {
    LockdWorld world;
    add_lock_queue(world.scheduler, {});
    LockTable::of(world.scheduler)
        .set_backend(std::make_unique<LockdBackend>(world.scheduler, world.lockd.options()));
    const auto outcome = [&](Duration timeout) -> Task<std::string> {
        Lock lock(world.scheduler, "a");
        const Time since = world.scheduler.now();
        std::string said;
        try {
            const bool taken = co_await lock.lock(timeout);
            said = taken ? "taken" : "not free";
        } catch (const LockBackendUnavailable& error) {
            said = error.what();
        }
        CHECK(world.scheduler.now() - since <= 1s);
        co_return said;
    };
    const auto test = [&]() -> Task<> {
        co_await sleep(1s);
        world.lockd.is_silent = true;
        const std::string tried = co_await outcome(0s);
        CHECK(tried == "lock 'a' in context 'default': lockd has not answered");
        const std::string waited = co_await outcome(1s);
        CHECK(waited ==
              "lock 'a' in context 'default': the servers have not answered in time: it is not "
              "known whether the lock is free");
        world.lockd.is_silent = false;
        world.lockd.restart();
        co_await sleep(10s);
        const std::string taken = co_await outcome(1s);
        CHECK(taken == "taken");
        co_await remove_lock_queue(world.scheduler, true);
    };
    world.run(test());
}

TEST_CASE("under lost connections and slow answers a lock has one holder who believes so") {
    for (std::uint64_t seed = 1; seed <= 10 / test::one_run_of; ++seed) {
        INFO("seed " << seed);
        LockdWorld world(seed);
        world.lockd.most_lag = 200ms;
        world.lockd.faults = {.most_at_once = 100, .most_delay = 20ms, .reset_after = 20'000};
        std::vector<std::unique_ptr<OtherProcess>> processes;
        for (int i = 0; i != 3; ++i) {
            processes.push_back(std::make_unique<OtherProcess>(world.scheduler, world.lockd));
        }
        int grants = 0;
        int most_believers = 0;
        std::uint64_t last_token = 0;
        const auto work = [&](OtherProcess& process) -> Task<> {
            const Time end = world.scheduler.now() + 2min;
            while (world.scheduler.now() < end) {
                process.ask();
                while (process.said.empty() && world.scheduler.now() < end) {
                    co_await sleep(Duration(world.poller.random() % 100'000'000));
                    if (process.said.empty() && world.poller.random() % 50 == 0) {
                        process.slot.reset();
                        process.ask();
                    }
                }
                if (process.believes(world.poller)) {
                    ++grants;
                    CHECK(process.token > last_token);
                    last_token = process.token;
                    co_await sleep(Duration(world.poller.random() % 3'000'000'000));
                }
                process.slot.reset();
            }
        };
        const auto watch = [&]() -> Task<> {
            for (int i = 0; i != 120'000 / 5; ++i) {
                co_await sleep(5ms);
                int believers = 0;
                for (const auto& process : processes) {
                    believers += process->believes(world.poller) ? 1 : 0;
                }
                most_believers = std::max(most_believers, believers);
                if (world.poller.random() % 2000 == 0) {
                    world.lockd.cut();
                }
            }
        };
        world.run(work(*processes[0]), work(*processes[1]), work(*processes[2]), watch());
        CHECK(most_believers == 1);
        CHECK(grants > 20);
    }
}

TEST_CASE("without memory no lock stays at lockd, and others get it") {
    const auto test = [](LockdWorld& world, OtherProcess& first, OtherProcess& second,
                         AllocationFailure& failure) -> Task<> {
        while (!first.backend.client().is_connected() || !second.backend.client().is_connected()) {
            co_await sleep(1ms);
        }
        failure.arm();
        try {
            first.ask();
            co_await sleep(lease);
            first.slot.reset();
            co_await sleep(1s);
        } catch (const std::bad_alloc&) {
        }
        failure.disarm();
        first.slot.reset();
        second.ask();
        const Time end = world.scheduler.now() + 1min;
        while (second.said != "granted" && world.scheduler.now() < end) {
            co_await sleep(10ms);
            if (second.slot == nullptr) {  // lost with a connection that had no memory
                second.ask();
            }
        }
        CHECK(second.said == "granted");
    };
    fail_each_allocation([&test](AllocationFailure& failure) {
        LockdWorld world;
        OtherProcess first(world.scheduler, world.lockd);
        OtherProcess second(world.scheduler, world.lockd);
        world.container.start(test(world, first, second, failure), {.name = "test"});
        for (bool again = true; again;) {
            again = false;
            try {
                world.scheduler.run();
            } catch (const std::bad_alloc&) {
                again = true;
            }
        }
        const AllocationPause pause;
        INFO(failure.where());
        CHECK(second.said == "granted");
    });
}
