#pragma once

#include <sys/types.h>

namespace weir::app {

// A second process that kills a process group when this process is gone, however it was ended: by
// SIGKILL, or for want of memory. It lives in a session of its own, so that nothing that is sent to
// the group of this process, or from its terminal, reaches it.
class DeathWatch {
public:
    // Starts it. It keeps the descriptor `kept_open` open until it has killed the group: a
    // connection to a lock server, so that the lock is not free before. All signals that can be
    // blocked must be blocked. Throws std::system_error.
    explicit DeathWatch(int kept_open);
    // Ends it; the group is left alone from here on.
    ~DeathWatch() { end(); }
    DeathWatch(const DeathWatch&) = delete;
    DeathWatch& operator=(const DeathWatch&) = delete;

    pid_t process() const noexcept { return process_; }
    // Names the group. The leader of the group may call this before it executes its program.
    void watch(pid_t group) const noexcept;
    // Must be called before the leader of the group is reaped: after that, the number may become
    // that of another group.
    void end() noexcept;

private:
    pid_t process_ = 0;
    int pipe_ = -1;  // its reader sees the end of file when this process is gone
};

}  // namespace weir::app
