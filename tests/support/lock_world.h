#pragma once

#include "core/container.h"
#include "core/simulation.h"
#include "core/standard_queues.h"
#include "modules/lock/lock_table.h"

namespace weir::benchmark {

// A scheduler with the queues that locks need, in virtual time: no poll is paid for.
struct LockWorld {
    Simulation simulation;
    Scheduler scheduler{simulation, {.queue = standard_root()}};
    Container container{scheduler};

    LockWorld() {
        add_standard_queues(scheduler.queue());
        add_lock_queue(scheduler);
    }
};

}  // namespace weir::benchmark
