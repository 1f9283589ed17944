#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/types.h>

#include "apps/weir/death_watch.h"
#include "apps/weir/job_terminal.h"

namespace weir::app {

// A command cannot be started: no such program, or it is none.
class CannotStart : public std::runtime_error {
public:
    CannotStart(const std::string& program, int error_number);
    bool is_not_found() const noexcept { return not_found_; }

private:
    bool not_found_;
};

// A command that runs below this process, and all that it starts. One at a time in a process, which
// must have one thread: while this lives, it owns the signals and the children of the process.
//
// Process group: the command leads one of its own. It starts with no signal blocked, with the
// default action for SIGPIPE, SIGCHLD and SIGXFSZ, and ignores the signals that this process was
// started with ignored, as nohup wants. It has the files of this process that close at no exec.
//
// Signals: those that this process gets, and did not ignore before, are sent to the group. Each is
// blocked and read from a descriptor, so that none is lost, and none ends this process, be it PID 1
// or not.
//
// Terminal: as a shell does with a job. The group has it from the start if nothing else in the
// group of this process can need it, or else as soon as it reads from it; meanwhile signals of keys
// reach it through this process. When the group is stopped from the terminal, so is this process;
// SIGCONT continues both.
//
// Orphans: what the command started becomes a child of this process when its parent ends, and is
// reaped. It lives on when the command ends by itself, and is ended with it by end().
//
// Death: when this process is killed, a DeathWatch kills the group.
class ChildProcess {
public:
    // Starts the command, whose first word is a program or its path. `connection` stays open until
    // the group is killed, if this process is. Throws CannotStart, and std::system_error.
    ChildProcess(const std::vector<std::string>& command, int connection);
    // Gives the terminal and the signals back. A command that has not ended is killed. If Ctrl-C
    // ended the command alone, below a script, SIGINT is sent to the group of this process.
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    // Becomes readable when handle_signals() has something to do.
    int signals() const noexcept { return signals_; }
    // Passes signals on, stops and continues, reaps. Returns without waiting.
    void handle_signals();

    // Sends a signal to the command and all that it started, in its group or out of it, and
    // continues what is stopped. From here on, has_ended() waits for all of it.
    void end(int signal);
    bool has_ended() const;
    // What to exit with, as a shell would: the code of the command, or 128 + the signal.
    int exit_code() const noexcept { return exit_code_; }

private:
    void start(const std::vector<std::string>& command);
    [[noreturn]] void execute(const std::vector<std::string>& command, int errors) noexcept;
    void pass_on(int signal) noexcept;
    void reap();
    void leader_ended(int status);
    void leader_stopped(int signal) noexcept;
    void stop_with_it(int signal) noexcept;
    void resume() noexcept;
    void share_interrupt() const noexcept;

    sigset_t before_{};             // signals that were blocked
    sigset_t held_{};               // signals that are passed on, and SIGCHLD
    std::vector<pid_t> strangers_;  // children that were there before, and the watch
    int signals_ = -1;
    JobTerminal terminal_;
    std::optional<DeathWatch> watch_;
    pid_t leader_ = 0;  // also the number of the group
    bool lend_at_start_ = false;
    bool needs_terminal_ = false;
    bool had_terminal_ = false;  // when it ended
    bool leader_lives_ = true;
    bool ending_ = false;
    int end_signal_ = 0;  // that the command was ended by
    int exit_code_ = 0;
};

}  // namespace weir::app
