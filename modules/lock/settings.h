#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "core/queue/queue.h"
#include "modules/lock/key_pattern.h"

namespace weir {

// Keys that match may be held by so many at a time; the first rule that matches counts.
struct SemaphoreRule {
    KeyPattern keys;
    std::size_t size = 1;
};

// A context that is named in the settings has keys of its own.
struct LockContextSettings {
    std::vector<SemaphoreRule> semaphores;
    // How many may wait for one key of the context; with the limit of all contexts, the lower one
    // counts.
    std::size_t max_waiters_per_key = unlimited;
};

enum class OnDeadlock {
    ignore,         // do not look for them
    report,         // log it and send a DeadlockEvent
    fail_youngest,  // and end the wait of the cycle that began last, with a DeadlockError
};

struct LockSettings {
    // Of the queue of the locks among the root's subqueues.
    int priority = 990;
    std::size_t max_waiters_per_key = unlimited;
    std::size_t max_waiters = unlimited;
    OnDeadlock on_deadlock = OnDeadlock::report;
    // Whether contexts that are not named here have keys of their own too. As in the original they
    // have not: but for semaphores, a lock then excludes all on the same key, whatever the context.
    bool separate_contexts = false;
    std::map<std::string, LockContextSettings> contexts;
};

}  // namespace weir
