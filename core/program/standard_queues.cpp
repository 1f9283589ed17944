#include "core/program/standard_queues.h"

#include "core/net/connection_events.h"
#include "core/queue/fair_queue.h"
#include "core/run/system_events.h"
#include "core/run/timer.h"
#include "core/stream/socket_events.h"
#include "core/wait/future.h"
#include "core/wait/rate_limiter.h"
#include "core/wait/routine_events.h"

namespace weir {

QueueOptions standard_root(const StandardPriorities& priorities) {
    return {.kind = FairQueue::factory({.key = EventKey::by_type()}),
            .default_priority = priorities.other};
}

namespace {

void add_connection_queues(Queue& root, const StandardPriorities& priorities,
                           const ConnectionWriteLimits& writes) {
    // A socket has one event of each type at a time: fifo is fair, and first come is first served.
    root.add("change", priorities.socket_change,
             match<SocketEvent>(SocketEvent::Type::changed).make());
    root.add("write", priorities.socket_writable,
             match<SocketEvent>(SocketEvent::Type::writable).make());
    root.add("connectionwrite", priorities.connection_write, match<ConnectionWriteEvent>().make(),
             {.max_default = writes.total,
              .max_total = writes.total,
              .kind = FairQueue::factory({.key = EventKey::named("connection"),
                                          .preserve_for_new = writes.preserve_for_new,
                                          .subqueue_limit = writes.per_connection})});
    root.add("read", priorities.socket_readable,
             match<SocketEvent>(SocketEvent::Type::readable).make());
    root.add("control", priorities.connection_control, match<ConnectionControlEvent>().make());
    root.add("servercontrol", priorities.connection_control, match<ServerControlEvent>().make());
}

}  // namespace

void add_standard_queues(Queue& root, const StandardPriorities& priorities,
                         const ConnectionWriteLimits& writes) {
    root.add("routine", priorities.routine_control, match<RoutineControlEvent>().make());
    root.add("ratelimiting", priorities.rate_limiting, match<RateLimitingEvent>().make());
    root.add("timer", priorities.timer, match<TimerEvent>().make());
    root.add("sysctl", priorities.system_control, match<SystemControlEvent>().make());
    root.add("sysctllow", priorities.system_control_low,
             match<SystemControlLowPriorityEvent>().make());
    root.add("future", priorities.future, match<FutureEvent>().make());
    add_connection_queues(root, priorities, writes);
}

}  // namespace weir
