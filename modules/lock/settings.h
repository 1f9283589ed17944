#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/queue/queue.h"
#include "modules/lock/key_pattern.h"

namespace weir {

// A semaphore by the settings: up to `size` locks may hold a key that matches. The first rule that
// matches a key counts.
struct SemaphoreRule {
    KeyPattern keys;
    std::size_t size = 1;
};

// A lock or slot on a key that matches is lost when it was held for that long. The first rule that
// matches a key counts.
struct LongestHoldRule {
    KeyPattern keys;
    Duration time{};
};

// A context that is named in the settings has keys of its own.
struct LockContextSettings {
    std::vector<SemaphoreRule> semaphores;
    std::vector<LongestHoldRule> longest_holds;
    // How many may wait for one key of the context. The limit for all contexts applies as well.
    std::size_t max_waiters_per_key = unlimited;
};

enum class OnDeadlock {
    ignore,         // do not search for deadlocks
    report,         // log each one and send a DeadlockEvent
    fail_youngest,  // also fail the wait of the cycle that began last, with a DeadlockError
};

struct LockSettings {
    // Priority of the lock queue among the subqueues of the root.
    int priority = 990;
    std::size_t max_waiters_per_key = unlimited;
    std::size_t max_waiters = unlimited;
    OnDeadlock on_deadlock = OnDeadlock::report;
    // Whether contexts that are not named here have keys of their own too. Without it, as in VLCP,
    // a lock excludes all on the same key, whatever their context, unless a semaphore is made for
    // one of them.
    bool separate_contexts = true;
    // How many semaphores of clients there may be, and after which time without use one is
    // destroyed; zero: never.
    std::size_t max_semaphores = 1000;
    std::size_t max_semaphores_of_one = unlimited;  // of one client
    Duration semaphore_idle_timeout = std::chrono::hours(1);
    // The longest key, and context, that a client may choose, in bytes.
    std::size_t max_key = 4096;
    // How many bytes the locks may take that clients hold or wait for, in all and of one client;
    // see LockAllowances.
    std::size_t max_held = unlimited;
    std::size_t max_held_of_one = unlimited;
    std::map<std::string, LockContextSettings> contexts;
};

}  // namespace weir
