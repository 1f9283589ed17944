#pragma once

#include <vector>

#include <sys/types.h>

namespace weir::app {

// A process that is alive, and not only waits to be reaped.
struct LivingProcess {
    pid_t id;
    pid_t group;
};

// Returns the children of a process, their children, and so on, as /proc shows them now; without
// those in `left_out` and theirs. A process that starts or ends meanwhile may be missed.
std::vector<LivingProcess> descendants(pid_t process, const std::vector<pid_t>& left_out);

// Returns whether a process of the group is alive, and not only waits to be reaped.
bool group_lives(pid_t group);

}  // namespace weir::app
