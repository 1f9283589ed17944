// Remote locks under all faults that servers in memory have, decided by seeds.

#include <algorithm>
#include <memory>
#include <vector>

#include <catch2/catch.hpp>

#include "core/wait/execute_all.h"
#include "modules/zookeeper/remote_locks.h"
#include "modules/zookeeper/test_faults.h"
#include "modules/zookeeper/test_world.h"

using namespace weir;
using namespace weir::zookeeper;

namespace {

constexpr int rounds = 6;  // of each routine

struct Process {
    explicit Process(FakeWorld& world)
        : session(world.scheduler, world.ensemble.options(3s)), locks(session) {}

    Session session;
    RemoteLocks locks;
};

// What is guarded: refuses a client whose token is smaller than one that it has seen. Sees what no
// client can see: whether two believe that they hold the lock.
class Resource {
public:
    explicit Resource(std::size_t slots) : slots_(slots) {}

    void granted(const RemoteLock& lock) {
        ++grants_;
        holders_.push_back(&lock);
        if (slots_ == 1) {
            CHECK(lock.token() > last_token_);
            last_token_ = std::max(last_token_, lock.token());
        }
        check();
    }
    void released(const RemoteLock& lock) { std::erase(holders_, &lock); }
    // To be called whenever a client looks whether it still holds the lock.
    void check() const {
        const auto valid = std::ranges::count_if(
            holders_, [](const RemoteLock* lock) { return static_cast<bool>(*lock); });
        CHECK(static_cast<std::size_t>(valid) <= slots_);
    }
    int grants() const noexcept { return grants_; }

private:
    const std::size_t slots_;
    std::vector<const RemoteLock*> holders_;
    std::int64_t last_token_ = 0;
    int grants_ = 0;
};

Task<> use(Process& process, Resource& resource, std::size_t slots) {
    Scheduler& scheduler = process.session.scheduler();
    for (int round = 0; round != rounds; ++round) {
        const Time deadline = random_below(scheduler, 4) == 0
                                  ? scheduler.now() + random_time(scheduler, 3s)
                                  : no_deadline;
        const RemoteLock lock = co_await process.locks.slot("/locks/a", slots, deadline);
        if (lock) {
            resource.granted(lock);
            const Time until = scheduler.now() + random_time(scheduler, 2s);
            while (lock && scheduler.now() < until) {
                co_await sleep(random_time(scheduler, 300ms));
                resource.check();
            }
            resource.released(lock);
        }
        co_await sleep(random_time(scheduler, 200ms));
    }
}

Task<> run_campaign(FakeWorld& world, std::vector<std::unique_ptr<Process>>& processes,
                    Resource& resource, std::size_t slots) {
    bool over = false;
    const Ref<Routine> faults = world.container.start(cause_faults(world, over));
    std::vector<Task<>> users;
    for (const auto& process : processes) {
        users.push_back(use(*process, resource, slots));
        users.push_back(use(*process, resource, slots));
    }
    co_await execute_all(world.container, std::move(users));
    over = true;
    while (!faults->ended()) {
        co_await sleep(100ms);
    }
    // Once there is a majority again, the lock is granted soon.
    const RemoteLock last = co_await processes[0]->locks.slot("/locks/a", slots, world.in(1min));
    CHECK(last);
    for (const auto& process : processes) {
        co_await process->locks.all_left();
    }
    co_await sleep(10s);  // sessions that were lost in the faults have expired
    CHECK(world.ensemble.tree().find("/locks/a")->children.size() == 1);
    CHECK(world.ensemble.agrees());
}

void run_seed(std::uint64_t seed, std::size_t slots) {
    FakeOptions options;
    options.streams = {.most_at_once = 1 + seed % 50, .most_delay = 2ms};
    FakeWorld world(seed, options);
    std::vector<std::unique_ptr<Process>> processes;
    for (int i = 0; i != 4; ++i) {
        processes.push_back(std::make_unique<Process>(world));
    }
    Resource resource(slots);
    world.run(run_campaign(world, processes, resource, slots));
    CHECK(resource.grants() > 0);
}

}  // namespace

TEST_CASE("under all faults a remote lock has one holder who believes so, and tokens grow") {
    for_seeds(25, [](std::uint64_t seed) { run_seed(seed, 1); });
}

TEST_CASE("under all faults a remote semaphore has no more holders than slots") {
    for_seeds(15, [](std::uint64_t seed) { run_seed(seed, 2); });
}
