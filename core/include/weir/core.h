#pragma once

// <weir/core.h>: the event system in a program of one's own, without modules and configuration.
// Network is not in it: "core/net/client.h" and "core/net/socket_server.h" are for that.
// docs/reference.md lists what is where.

// Events, and what waits for them.
#include "core/event/event.h"
#include "core/event/matcher.h"

// The queue tree and the kinds of its queues; a kind of one's own derives from LeafQueue.
#include "core/queue/fair_queue.h"
#include "core/queue/fifo_queue.h"
#include "core/queue/leaf_queue.h"
#include "core/queue/priority_queue.h"
#include "core/queue/queue.h"

// The scheduler and its two worlds, routines and containers, the way in from other threads.
#include "core/program/loop_guest.h"
#include "core/program/quit_on_signals.h"
#include "core/program/standard_queues.h"
#include "core/run/container.h"
#include "core/run/event_handler.h"
#include "core/run/poster.h"
#include "core/run/scheduler.h"
#include "core/run/task.h"
#include "core/run/timer.h"
#include "core/run/uv_poller.h"
#include "core/run/wait.h"
#include "core/run/watch.h"
#include "core/simulation/failpoint.h"
#include "core/simulation/simulation.h"

// What a routine awaits.
#include "core/wait/alarm.h"
#include "core/wait/condition.h"
#include "core/wait/do_events.h"
#include "core/wait/execute_all.h"
#include "core/wait/future.h"
#include "core/wait/rate_limiter.h"
#include "core/wait/run_in_scheduler.h"
#include "core/wait/send.h"
#include "core/wait/task_pool.h"
#include "core/wait/timeout.h"
#include "core/wait/token_bucket.h"
#include "core/wait/wait_for_all.h"
#include "core/wait/wait_for_empty.h"
#include "core/wait/when_any.h"
