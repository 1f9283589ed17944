#pragma once

#include "core/queue/queue.h"

namespace weir {

// The priorities of the queues that the event system itself needs: a larger one goes first. What
// is in no subqueue is at `other`, fair by the type of the event.
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

// The root of a queue tree whose default queue is fair by the type of the event.
QueueOptions standard_root(const StandardPriorities& priorities = {});

// How many write events of connections there may be.
struct ConnectionWriteLimits {
    std::size_t total = 100'000;
    std::size_t per_connection = 5;
    std::size_t preserve_for_new = 100;  // places for connections that have none
};

// Adds the standard subqueues: routine, ratelimiting, timer, sysctl, sysctllow, future, and of
// connections change, write, connectionwrite, read, control, servercontrol; connectionwrite is fair
// by connection.
void add_standard_queues(Queue& root, const StandardPriorities& priorities = {},
                         const ConnectionWriteLimits& writes = {});

}  // namespace weir
