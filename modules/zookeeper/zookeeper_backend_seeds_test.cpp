// The locks of a process that servers decide about, under all faults that servers in memory have,
// beside other processes, decided by seeds.

#include <algorithm>
#include <memory>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include "core/wait/execute_all.h"
#include "modules/lock/errors.h"
#include "modules/zookeeper/test_backend.h"
#include "modules/zookeeper/test_faults.h"

using namespace weir;
using namespace weir::zookeeper;

namespace {

constexpr int rounds = 6;  // of each routine

// Sees what no client can see: whether two believe at one time that they hold the lock.
class Witness {
public:
    using Holder = std::variant<const LockGuard*, const RemoteLock*>;

    explicit Witness(std::size_t slots) : slots_(slots) {}

    void granted(Holder holder, std::uint64_t token) {
        ++grants_;
        holders_.push_back(holder);
        if (slots_ == 1) {
            CHECK(token > last_token_);
            last_token_ = std::max(last_token_, token);
        }
        check();
    }
    void released(Holder holder) { std::erase(holders_, holder); }
    void check() const {
        const auto believes = [](const Holder& holder) {
            return std::visit([](const auto* one) { return static_cast<bool>(*one); }, holder);
        };
        CHECK(static_cast<std::size_t>(std::ranges::count_if(holders_, believes)) <= slots_);
    }
    int grants() const noexcept { return grants_; }

private:
    const std::size_t slots_;
    std::vector<Holder> holders_;
    std::uint64_t last_token_ = 0;
    int grants_ = 0;
};

Task<> keep_for_a_while(Scheduler& scheduler, Witness& witness) {
    const Time until = scheduler.now() + random_time(scheduler, 2s);
    while (scheduler.now() < until) {
        co_await sleep(random_time(scheduler, 300ms));
        witness.check();
    }
}

Task<> use_here(BackendWorld& world, Witness& witness) {
    Scheduler& scheduler = world.scheduler;
    Lock lock(scheduler, "a");
    for (int round = 0; round != rounds; ++round) {
        std::optional<Duration> timeout;
        switch (random_below(scheduler, 6)) {
            case 0:
                timeout = random_time(scheduler, 3s);
                break;
            case 1:
                timeout = Duration::zero();
                break;
            default:
                break;
        }
        try {
            const LockGuard guard = co_await lock.acquire(timeout);
            if (guard) {
                witness.granted(&guard, guard.token());
                co_await keep_for_a_while(scheduler, witness);
                witness.released(&guard);
            }
        } catch (const LockBackendUnavailable&) {
            CHECK(timeout);
        }
        co_await sleep(random_time(scheduler, 200ms));
    }
}

// Is unwound by the loss of its lock, or cancelled while it waits.
Task<> use_with_lock(BackendWorld& world, Witness& witness) {
    Scheduler& scheduler = world.scheduler;
    for (int round = 0; round != rounds; ++round) {
        Lock lock(scheduler, "a");
        Task<> work = keep_for_a_while(scheduler, witness);
        auto working =
            execute_with_timeout(random_time(scheduler, 5s), with_lock(lock, std::move(work)));
        try {
            co_await working;
        } catch (const LockLost&) {
            CHECK_FALSE(lock.locked());
        }
        lock.unlock();
        co_await sleep(random_time(scheduler, 200ms));
    }
}

Task<> use_elsewhere(OtherProcess& process, Witness& witness, std::size_t slots) {
    Scheduler& scheduler = process.session.scheduler();
    for (int round = 0; round != rounds; ++round) {
        const RemoteLock lock =
            co_await process.locks.slot("/weir/locks/default/a", slots, no_deadline);
        witness.granted(&lock, static_cast<std::uint64_t>(lock.token()));
        co_await keep_for_a_while(scheduler, witness);
        witness.released(&lock);
        co_await sleep(random_time(scheduler, 200ms));
    }
}

Task<> run_campaign(BackendWorld& world, std::vector<std::unique_ptr<OtherProcess>>& others,
                    Witness& witness, std::size_t slots) {
    bool over = false;
    const Ref<Routine> faults = world.container.start(cause_faults(world, over));
    std::vector<Task<>> users;
    for (int i = 0; i != 3; ++i) {
        users.push_back(use_here(world, witness));
        users.push_back(use_with_lock(world, witness));
    }
    for (const auto& other : others) {
        users.push_back(use_elsewhere(*other, witness, slots));
    }
    co_await execute_all(world.container, std::move(users));
    over = true;
    while (!faults->ended()) {
        co_await sleep(100ms);
    }
    // Once there is a majority again, the lock is granted soon.
    {
        Lock last(world.scheduler, "a");
        const bool taken = co_await last.lock(1min);
        CHECK(taken);
    }
    CHECK(world.table().holding() == 0);
    CHECK(world.table().waiting() == 0);
    for (const auto& other : others) {
        co_await other->locks.all_left();
    }
    co_await sleep(10s);  // sessions that were lost in the faults have expired
    CHECK(world.backend->leaving() == 0);
    CHECK(world.nodes_of("a") == 0);
    CHECK(world.ensemble.agrees());
}

void run_seed(std::uint64_t seed, std::size_t slots) {
    FakeOptions options;
    options.streams = {.most_at_once = 1 + seed % 50, .most_delay = 2ms};
    LockSettings settings;
    settings.contexts["default"].semaphores.push_back({KeyPattern("a"), slots});
    BackendWorld world(seed, options, settings, 3s);
    std::vector<std::unique_ptr<OtherProcess>> others;
    for (int i = 0; i != 3; ++i) {
        others.push_back(std::make_unique<OtherProcess>(world, 3s));
    }
    Witness witness(slots);
    world.run(world.and_end(run_campaign(world, others, witness, slots)));
    CHECK(witness.grants() > 0);
}

}  // namespace

TEST_CASE("under all faults a lock of a backend has one holder who believes so, and tokens grow") {
    for_seeds(25, [](std::uint64_t seed) { run_seed(seed, 1); });
}

TEST_CASE("under all faults a semaphore of a backend has no more holders than slots") {
    for_seeds(15, [](std::uint64_t seed) { run_seed(seed, 2); });
}
