#pragma once

#include "core/system/file_descriptor.h"
#include "core/system/process.h"

namespace weir::exec {

// A second process that kills a process group when this program is gone, however it was ended: by
// SIGKILL, or for want of memory. It has a session of its own, so that what is sent to the group of
// this program does not reach it.
class GroupGuard {
public:
    // Starts it. Throws SystemError.
    explicit GroupGuard(Scheduler& scheduler);
    // Ends it; the group is left alone from here on. Must happen before the leader of the group is
    // reaped: after that, the number may become that of another group.
    ~GroupGuard() = default;
    GroupGuard(const GroupGuard&) = delete;
    GroupGuard& operator=(const GroupGuard&) = delete;

    // Names the group, once. Throws SystemError.
    void watch(int group) const;

private:
    FileDescriptor pipe_;  // its reader sees the end of file when this program is gone
    Process shell_;        // killed before the pipe is closed
};

}  // namespace weir::exec
