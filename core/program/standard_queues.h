#pragma once

#include "core/queue/queue.h"

namespace weir {

/// The priorities of the event system's own queues: the largest is served first. Events of no
/// subqueue have priority `other` and take turns by their type.
struct StandardPriorities {
    int system_control = 2000;
    int routine_control = 1000;
    int rate_limiting = 1000;
    int future = 989;
    int timer = 900;
    int socket_change = 800;
    int socket_writable = 700;
    int connection_write = 600;
    int socket_readable = 500;
    int connection_control = 450;
    int other = 400;
    int system_control_low = 10;
};

/// Returns options for the root of a queue tree, whose leaf queue is fair by the event's type.
QueueOptions standard_root(const StandardPriorities& priorities = {});

/// Limits on queued write events of connections.
struct ConnectionWriteLimits {
    std::size_t total = 100'000;
    std::size_t per_connection = 5;
    std::size_t preserve_for_new = 100;  ///< capacity kept for connections that have none queued
};

/// Adds the standard subqueues: routine, ratelimiting, timer, sysctl, sysctllow, future; and of
/// connections: change, write, connectionwrite, read, control, servercontrol. The queue
/// connectionwrite is fair by connection.
void add_standard_queues(Queue& root, const StandardPriorities& priorities = {},
                         const ConnectionWriteLimits& writes = {});

}  // namespace weir
