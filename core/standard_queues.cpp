#include "core/standard_queues.h"

#include "core/auto_queue.h"
#include "core/future.h"
#include "core/rate_limiter.h"
#include "core/routine_events.h"
#include "core/system_events.h"
#include "core/timer.h"

namespace weir {

QueueOptions standard_root(const StandardPriorities& priorities) {
    return {.kind = AutoQueue::factory({.key = EventKey::by_type()}),
            .default_priority = priorities.other};
}

void add_standard_queues(Queue& root, const StandardPriorities& priorities) {
    root.add("routine", priorities.routine_control, match<RoutineControlEvent>().make());
    root.add("ratelimiting", priorities.rate_limiting, match<RateLimitingEvent>().make());
    root.add("timer", priorities.timer, match<TimerEvent>().make());
    root.add("sysctl", priorities.system_control, match<SystemControlEvent>().make());
    root.add("sysctllow", priorities.system_control_low,
             match<SystemControlLowPriorityEvent>().make());
    root.add("future", priorities.future, match<FutureEvent>().make());
}

}  // namespace weir
