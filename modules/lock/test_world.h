#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/simulation/simulation.h"
#include "core/wait/do_events.h"
#include "core/wait/timeout.h"
#include "modules/lock/lock.h"
#include "modules/lock/semaphore.h"
#include "modules/lock/session.h"
#include "modules/lock/table.h"
#include "tests/support/lock_world.h"

namespace weir::lock_test {

using namespace std::chrono_literals;

// A scheduler with locks in virtual time; what it logs is kept.
struct World : test::LockWorldOn<Simulation> {
    Simulation& simulation = poller;
    std::vector<std::string>& logged = log;

    explicit World(LockSettings settings = {}, std::uint64_t seed = 1)
        : LockWorldOn(std::move(settings), {}, seed) {}
    LockTable& table() { return LockTable::of(scheduler); }
    Ref<Routine> start(Task<> task, std::string name = "routine") {
        StartOptions start_options;
        start_options.name = std::move(name);
        return container.start(std::move(task), start_options);
    }
};

// Holds the lock for some time; says when it is taken and given back.
inline Task<> hold(World& world, IndexValue key, Duration duration, std::string name,
                   std::vector<std::string>& said) {
    Lock lock(world.scheduler, std::move(key));
    co_await lock.lock();
    said.push_back(name + " in");
    co_await sleep(duration);
    said.push_back(name + " out");
}

}  // namespace weir::lock_test
