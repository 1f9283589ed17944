#include "core/program/standard_queues.h"

#include <string>

#include <catch2/catch.hpp>

#include "core/run/system_events.h"
#include "core/run/timer.h"
#include "core/wait/future.h"
#include "core/wait/rate_limiter.h"
#include "core/wait/routine_events.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

std::string pop_all(Queue& queue) {
    std::string names;
    QueueSignals signals;
    while (queue.can_pop()) {
        names += queue.pop(signals)->type().name() + ' ';
    }
    return names;
}

}  // namespace

TEST_CASE("the standard queues have the original's names and priorities", "[standard_queues]") {
    Queue root(standard_root());
    add_standard_queues(root);
    std::string text;
    for (const Ref<Queue>& queue : root.subqueues()) {
        text += queue->name() + ' ' + std::to_string(queue->priority()) + ' ' +
                queue->matcher().describe() + '\n';
    }
    CHECK(text ==
          "routine 1000 weir.RoutineControlEvent()\n"
          "ratelimiting 1000 weir.RateLimitingEvent()\n"
          "timer 900 weir.TimerEvent()\n"
          "sysctl 2000 weir.SystemControlEvent()\n"
          "sysctllow 10 weir.SystemControlLowPriorityEvent()\n"
          "future 989 weir.FutureEvent()\n"
          "change 800 weir.SocketEvent(2)\n"
          "write 700 weir.SocketEvent(1)\n"
          "connectionwrite 600 weir.ConnectionWriteEvent()\n"
          "read 500 weir.SocketEvent(0)\n"
          "control 450 weir.ConnectionControlEvent()\n"
          "servercontrol 450 weir.ServerControlEvent()\n");
    CHECK(root.default_queue().kind() == "auto");
    CHECK(root.default_priority() == 400);
}

TEST_CASE("the event system's own events go before all other events", "[standard_queues]") {
    Queue root(standard_root());
    add_standard_queues(root);
    root.append(*make_event<SystemControlLowPriorityEvent>());
    root.append(*make_event<Ping>(1));
    root.append(*make_event<TimerEvent>());
    root.append(*make_event<FutureEvent>());
    root.append(*make_event<RoutineControlEvent>());
    root.append(*make_event<SystemControlEvent>());
    CHECK(pop_all(root) ==
          "weir.SystemControlEvent weir.RoutineControlEvent weir.FutureEvent weir.TimerEvent "
          "weir.test.Ping weir.SystemControlLowPriorityEvent ");
}

TEST_CASE("a program may choose the priorities", "[standard_queues]") {
    const StandardPriorities priorities{.timer = 3000, .other = 5000};
    Queue root(standard_root(priorities));
    add_standard_queues(root, priorities);
    root.append(*make_event<SystemControlEvent>());
    root.append(*make_event<TimerEvent>());
    root.append(*make_event<Ping>(1));
    CHECK(pop_all(root) == "weir.test.Ping weir.TimerEvent weir.SystemControlEvent ");
}

TEST_CASE("event types of no subqueue take turns", "[standard_queues]") {
    Queue root(standard_root());
    for (int i = 0; i != 3; ++i) {
        root.append(*make_event<Ping>(i));
    }
    root.append(*make_event<Job>(1));
    CHECK(pop_all(root) == "weir.test.Ping weir.test.Job weir.test.Ping weir.test.Ping ");
}
