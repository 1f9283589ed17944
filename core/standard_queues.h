#pragma once

#include "core/queue.h"

namespace weir {

// The priorities of the queues that the event system itself needs: a larger one goes first. What
// is in no subqueue is at `other`, fair by the type of the event.
struct StandardPriorities {
    int system_control = 2000;
    int routine_control = 1000;
    int rate_limiting = 1000;
    int future = 989;
    int timer = 900;
    int other = 400;
    int system_control_low = 10;
};

// The root of a queue tree whose default queue is fair by the type of the event.
QueueOptions standard_root(const StandardPriorities& priorities = {});

// Adds the standard subqueues: routine, ratelimiting, timer, sysctl, sysctllow, future.
void add_standard_queues(Queue& root, const StandardPriorities& priorities = {});

}  // namespace weir
