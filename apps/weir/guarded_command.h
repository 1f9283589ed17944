#pragma once

#include <optional>
#include <string>

#include "apps/weir/child_process.h"
#include "apps/weir/lock_command.h"
#include "apps/weir/lock_validity.h"
#include "apps/weir/messages.h"
#include "apps/weir/patience.h"

namespace weir::app {

// The command that runs while the lock is held, and the loop that watches both: the command ends, a
// signal comes, the connection is lost.
class GuardedCommand {
public:
    // Starts the command. All that is passed must outlive this; `validity` has had its first
    // answer. Throws what ChildProcess throws.
    GuardedCommand(RespClient& client, const LockCommand& lock, LockValidity& validity,
                   Messages& messages);

    // Returns the exit code, when the command has ended: with all that it started, if the lock was
    // lost.
    int run();

private:
    using Clock = RespClient::Clock;

    Clock::duration interval() const;
    void wait();
    void watch_server();
    void lose(const std::string& why);
    void end_by_force();

    RespClient& client_;
    const LockCommand& lock_;
    LockValidity& validity_;
    Messages& messages_;
    ChildProcess child_;
    bool lost_ = false;
    bool gave_up_ = false;  // on processes that not even SIGKILL ends
    Clock::time_point next_question_ = Clock::now() + interval();
    Patience patience_;
    bool asked_ = false;  // and not answered
    std::optional<Clock::time_point> next_kill_;
    int kills_ = 0;
};

}  // namespace weir::app
