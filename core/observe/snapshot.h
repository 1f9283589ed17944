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
class Routine;
class Scheduler;

/// What a scheduler holds at one moment, as plain data for listings, leak reports and tests. Taking
/// a snapshot changes nothing. It takes time in proportion to what exists, except that events in
/// queues are counted, not visited. On the scheduler's thread only.

/// A live routine.
struct RoutineInfo {
    enum class State {
        about_to_start,  ///< when the running event is done
        running,         ///< or waiting for a routine that it started in the foreground
        waiting,
    };
    std::string name;  ///< may be empty
    std::source_location started_at;
    bool daemon = false;
    State state = State::waiting;
    std::string waits_for;   ///< empty unless it waits; see snapshot()
    Time since{};            ///< when the wait began
    std::size_t timers = 0;  ///< set timers that it waits for
    /// Bytes of the routine and of its coroutines' frames; only the outermost frame counts while it
    /// runs.
    std::size_t memory = 0;
    /// Identifies the owner; null if the container was destroyed.
    const Container* container = nullptr;
    const Routine* routine = nullptr;  ///< valid until the scheduler continues
};

/// An event handler with at least one matcher.
struct HandlerInfo {
    bool daemon = true;
    std::vector<std::string> handles;  ///< the matchers; see snapshot()
};

struct TimerInfo {
    Time due{};
    Duration interval{};  ///< 0: fires once
};

/// A queue and all queues below it.
struct QueueInfo {
    std::string name;                 ///< empty if it has none
    std::string matcher;              ///< of the events that the queue accepts
    int priority = 0;                 ///< in its parent
    std::size_t size = 0;             ///< including all queues below it
    std::size_t max_total = 0;        ///< or `unlimited`
    std::string kind;                 ///< of the leaf queue: fifo, priority, auto, or another
    int default_priority = 0;         ///< of the leaf queue, among the subqueues
    std::size_t default_size = 0;     ///< of the leaf queue
    std::size_t max_default = 0;      ///< or `unlimited`
    std::size_t blocked = 0;          ///< events that block the leaf queue
    std::uint64_t popped = 0;         ///< events that have left, including all queues below it
    const Queue* queue = nullptr;     ///< valid until the scheduler continues
    std::size_t waiting_senders = 0;  ///< routines that wait for capacity
    /// They, as Routine::describe() names them, in the order of their first wait; see snapshot().
    std::vector<std::string> senders;
    std::vector<QueueInfo> subqueues;  ///< oldest first
};

/// An event that may not be dropped and that no routine has processed yet.
struct BlockedEventInfo {
    std::string event;
    std::string queue;  ///< that it blocks, as queue_path() names it
};

struct Snapshot {
    Time time{};  ///< when it was taken
    bool quitting = false;
    /// First the waiting routines in the order of their first wait, then the running routine, then
    /// those that are about to start. Omits a routine that has never waited and has started the
    /// running routine in the foreground.
    std::vector<RoutineInfo> routines;
    std::vector<HandlerInfo> handlers;
    std::vector<TimerInfo> timers;                 ///< earliest first
    std::vector<BlockedEventInfo> blocked_events;  ///< in no particular order
    std::size_t blocked = 0;                       ///< events that block, listed or not
    QueueInfo queue;                               ///< the root
};

/// Returns the scheduler's snapshot. Descriptions in words take most of the time: it has those of
/// the first `most` routines, handlers, blocked events and senders of each limit, and figures of
/// all.
Snapshot snapshot(Scheduler& scheduler, std::size_t most = unlimited);

/// Returns the snapshot's routines alone; the first `most` of them are described in words.
std::vector<RoutineInfo> list_routines(Scheduler& scheduler, std::size_t most = unlimited);

/// Returns the queue's position in its tree: "root", "root/lock". A queue without a name is named
/// by its matcher.
std::string queue_path(const Queue& queue);

}  // namespace weir
