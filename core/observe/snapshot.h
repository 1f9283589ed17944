#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/queue/queue.h"

namespace weir {

class Container;
class Scheduler;

// What a scheduler holds at one moment, as plain data for listings, leak reports and tests. Taking
// it changes nothing; it takes time in proportion to what there is, except that events that wait
// in queues are counted, not visited. On the scheduler's thread only.

// A live routine.
struct RoutineInfo {
    enum class State {
        about_to_start,  // when the running event is done
        running,         // or waiting for one that it has just started in the foreground
        waiting,
    };
    std::string name;  // may be empty
    std::source_location started_at;
    bool daemon = false;
    State state = State::waiting;
    std::string waits_for;   // empty unless it waits
    Time since{};            // of the wait
    std::size_t timers = 0;  // set ones that it waits for
    // Bytes of it and its coroutines' frames; of those of a running one only the outermost is
    // known.
    std::size_t memory = 0;
    // An identity, to tell apart whose routine it is; null if the container is gone.
    const Container* container = nullptr;
};

// An event handler that handles something.
struct HandlerInfo {
    bool daemon = true;
    std::vector<std::string> handles;  // the matchers
};

struct TimerInfo {
    Time due{};
    Duration interval{};  // 0: fires once
};

// A queue, with all below it.
struct QueueInfo {
    std::string name;              // empty if it has none
    std::string matcher;           // whose events it takes
    int priority = 0;              // in its parent
    std::size_t size = 0;          // with all below it
    std::size_t max_total = 0;     // or `unlimited`
    std::string kind;              // of the default queue: fifo, priority, auto, or another
    int default_priority = 0;      // of the default queue, among the subqueues
    std::size_t default_size = 0;  // of the default queue
    std::size_t max_default = 0;   // or `unlimited`
    std::size_t blocked = 0;       // events that block the default queue
    std::uint64_t popped = 0;      // events that left, in all, those below it included
    const Queue* queue = nullptr;  // itself, as long as the scheduler does not go on
    // Who waits for a place, as Routine::describe says it, in the order of their first wait.
    std::vector<std::string> senders;
    std::vector<QueueInfo> subqueues;  // oldest first
};

// An event that nobody has processed yet and that may not be dropped.
struct BlockedEventInfo {
    std::string event;
    std::string queue;  // that it blocks, as queue_path() says it
};

struct Snapshot {
    Time time{};  // when it was taken
    bool quitting = false;
    // Those that wait in the order of their first wait, then the running one, then those that are
    // about to start. One that has never waited, and that has started the running one in the
    // foreground, is not listed.
    std::vector<RoutineInfo> routines;
    std::vector<HandlerInfo> handlers;
    std::vector<TimerInfo> timers;                 // the next first
    std::vector<BlockedEventInfo> blocked_events;  // in no particular order
    QueueInfo queue;                               // the root
};

Snapshot snapshot(Scheduler& scheduler);

// Where the queue is in its tree: "root", "root/lock"; one without a name is named by its matcher.
std::string queue_path(const Queue& queue);

}  // namespace weir
