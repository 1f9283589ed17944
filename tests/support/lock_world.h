#pragma once

#include "core/program/standard_queues.h"
#include "core/run/container.h"
#include "core/simulation/simulation.h"
#include "modules/lock/table.h"

namespace weir::benchmark {

/// A scheduler with the queues that locks need, on a poller.
template <class P>
struct LockWorldOn {
    P poller;
    Scheduler scheduler{poller, {.queue = standard_root()}};
    Container container{scheduler};

    LockWorldOn() {
        add_standard_queues(scheduler.queue());
        add_lock_queue(scheduler);
    }
};

/// In virtual time, so that polls cost nothing.
using LockWorld = LockWorldOn<Simulation>;

}  // namespace weir::benchmark
