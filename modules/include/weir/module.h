#pragma once

// <weir/module.h>: all that a module needs. Locks are in <weir/lock.h>, what tests need in
// <weir/testing.h>, network in "core/net/client.h" and "core/net/socket_server.h".
// docs/reference.md lists what is where.

// The module: its declaration, settings and log, functions and calls, hand-over of state.
#include "config/settings/settings.h"
#include "modules/system/call/call.h"
#include "modules/system/module/handover.h"
#include "modules/system/module/plugin.h"

// Events, also as data, and the queues of one's own.
#include "core/event/event.h"
#include "core/event/matcher.h"
#include "core/queue/fair_queue.h"
#include "core/queue/priority_queue.h"
#include "modules/system/event/describe_event.h"

// Routines, timers, the way in from other threads, and what may fail in a simulation.
#include "core/run/container.h"
#include "core/run/event_handler.h"
#include "core/run/poster.h"
#include "core/run/scheduler.h"
#include "core/run/task.h"
#include "core/run/timer.h"
#include "core/run/watch.h"
#include "core/simulation/failpoint.h"

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
