#include "apps/weir/child_process.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <csignal>
#include <system_error>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/weir/exit_code.h"
#include "apps/weir/output.h"
#include "apps/weir/process_tree.h"
#include "config/text/quoted.h"

namespace weir::app {

namespace {

bool is_ignored(int signal) noexcept {
    struct sigaction action {};
    return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

// The signals that mean a mistake of this program itself, and those that mean that it used a
// terminal, or a pipe, that it must not use now.
constexpr std::array own_signals{SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGTRAP,
                                 SIGSYS,  SIGTTIN, SIGTTOU, SIGPIPE, SIGXFSZ};

sigset_t signals_to_hold() noexcept {
    sigset_t held;
    sigfillset(&held);
    for (const int signal : own_signals) {
        sigdelset(&held, signal);
    }
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        // A signal that is ignored and blocked would be read all the same.
        if (signal != SIGCHLD && is_ignored(signal)) {
            sigdelset(&held, signal);
        }
    }
    return held;
}

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

bool is_from_terminal(int stop_signal) noexcept {
    return stop_signal == SIGTSTP || stop_signal == SIGTTIN || stop_signal == SIGTTOU;
}

}  // namespace

CannotStart::CannotStart(const std::string& program, int error_number)
    : std::runtime_error("cannot run " + config::printable(program, 200) + ": " +
                         reason(error_number)),
      not_found_(error_number == ENOENT) {}

ChildProcess::ChildProcess(const std::vector<std::string>& command, int connection) {
    assert(!command.empty());
    held_ = signals_to_hold();
    sigset_t blocked = held_;
    sigaddset(&blocked, SIGTTIN);
    sigaddset(&blocked, SIGTTOU);  // with it blocked, a process in the background may use tcsetpgrp
    sigprocmask(SIG_SETMASK, &blocked, &before_);
    // An ignored SIGCHLD would let children vanish without a status.
    std::signal(SIGCHLD, SIG_DFL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    try {
        signals_ = signalfd(-1, &held_, SFD_CLOEXEC | SFD_NONBLOCK);
        if (signals_ < 0) {
            fail("cannot watch signals");
        }
        for (const LivingProcess& stranger : descendants(getpid(), {})) {
            strangers_.push_back(stranger.id);
        }
        watch_.emplace(connection);
        strangers_.push_back(watch_->process());
        lend_at_start_ = terminal_.is_only_for_command();
        start(command);
    } catch (...) {
        watch_.reset();
        terminal_.take_back();
        close(signals_);
        sigprocmask(SIG_SETMASK, &before_, nullptr);
        throw;
    }
}

ChildProcess::~ChildProcess() {
    if (leader_lives_) {
        end(SIGKILL);
    }
    watch_.reset();
    terminal_.take_back();
    // Signals that came since were for the command, and must not change the exit code now.
    signalfd_siginfo info{};
    while (read(signals_, &info, sizeof info) == sizeof info) {
    }
    close(signals_);
    sigprocmask(SIG_SETMASK, &before_, nullptr);
    share_interrupt();
}

void ChildProcess::start(const std::vector<std::string>& command) {
    // The other end closes when the program is executed; until then it can bring an error number.
    std::array<int, 2> errors{};
    if (pipe2(errors.data(), O_CLOEXEC) != 0) {
        fail("cannot make a pipe");
    }
    leader_ = fork();
    if (leader_ == 0) {
        execute(command, errors[1]);
    }
    const int fork_error = errno;
    close(errors[1]);
    int error = 0;
    ssize_t size = 0;
    if (leader_ > 0) {
        do {
            size = read(errors[0], &error, sizeof error);
        } while (size < 0 && errno == EINTR);
    }
    close(errors[0]);
    if (leader_ < 0) {
        throw CannotStart(command[0], fork_error);
    }
    if (lend_at_start_) {
        terminal_.lend(leader_);  // as the command has done itself: whichever is first
    }
    if (size > 0) {
        watch_->end();
        waitpid(leader_, nullptr, 0);
        throw CannotStart(command[0], error);
    }
}

// In the new process, which must not return.
void ChildProcess::execute(const std::vector<std::string>& command, int errors) noexcept {
    setpgid(0, 0);
    watch_->watch(getpid());
    // Second to the watch, which may be killed together with its parent. Does not hold for what the
    // command starts, and not for programs that change the user.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (lend_at_start_) {
        terminal_.lend(getpid());
    }
    for (const int signal : {SIGCHLD, SIGPIPE, SIGXFSZ}) {
        std::signal(signal, SIG_DFL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    std::vector<char*> arguments;
    for (const std::string& argument : command) {
        arguments.push_back(const_cast<char*>(argument.c_str()));
    }
    arguments.push_back(nullptr);
    execvp(arguments[0], arguments.data());
    const int error = errno;
    static_cast<void>(write(errors, &error, sizeof error) + 0);
    _exit(cannot_execute);
}

void ChildProcess::handle_signals() {
    signalfd_siginfo info{};
    while (read(signals_, &info, sizeof info) == sizeof info) {
        pass_on(static_cast<int>(info.ssi_signo));
    }
    reap();
}

void ChildProcess::pass_on(int signal) noexcept {
    if (signal == SIGCHLD || !leader_lives_) {
        return;
    }
    if (signal == SIGCONT) {
        resume();
    } else {
        kill(-leader_, signal);
    }
}

void ChildProcess::reap() {
    for (;;) {
        // The status stays for now: while the leader is not reaped, its number means this group.
        siginfo_t info{};
        if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) != 0 ||
            info.si_pid == 0) {
            return;
        }
        if (watch_ && info.si_pid == watch_->process()) {
            watch_->end();
            continue;
        }
        const bool is_leader = info.si_pid == leader_ && leader_lives_;
        if (is_leader && info.si_code != CLD_STOPPED && info.si_code != CLD_TRAPPED) {
            watch_->end();
        }
        int status = 0;
        waitpid(info.si_pid, &status, WUNTRACED | WNOHANG);
        if (!is_leader) {
            continue;
        }
        if (WIFSTOPPED(status)) {
            leader_stopped(WSTOPSIG(status));
        } else {
            leader_ended(status);
        }
    }
}

void ChildProcess::leader_ended(int status) {
    leader_lives_ = false;
    watch_->end();  // in case the leader was stopped when reap() looked, and has ended since
    end_signal_ = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    exit_code_ = end_signal_ != 0 ? killed + end_signal_ : WEXITSTATUS(status);
    had_terminal_ = terminal_.is_lent();
    terminal_.take_back();
}

void ChildProcess::leader_stopped(int signal) noexcept {
    if (!terminal_.exists() || !is_from_terminal(signal) || ending_) {
        return;  // no shell would continue this process, and it must watch the lock
    }
    needs_terminal_ = needs_terminal_ || signal == SIGTTIN || signal == SIGTTOU;
    if (needs_terminal_ && signal != SIGTSTP && terminal_.is_ours()) {
        resume();
    } else {
        stop_with_it(signal);
    }
}

// Stops this process as the command was stopped, so that a shell sees its job stopped. Returns when
// the shell continues it.
void ChildProcess::stop_with_it(int signal) noexcept {
    const bool was_lent = terminal_.is_lent();
    needs_terminal_ = needs_terminal_ || was_lent;
    terminal_.take_back();
    sigset_t let_through;
    sigemptyset(&let_through);
    sigaddset(&let_through, signal);
    // If the key reached only the command, the other processes of this group, as a script, stop
    // too.
    kill(was_lent ? 0 : getpid(), signal);
    sigprocmask(SIG_UNBLOCK, &let_through, nullptr);
    sigprocmask(SIG_BLOCK, &let_through, nullptr);
    // Continued: SIGCONT will be read with the other signals. Or this process was not stopped, for
    // no shell is there that could continue it; then the command goes on, too.
    sigset_t pending;
    sigpending(&pending);
    if (sigismember(&pending, SIGCONT) != 1) {
        resume();
    }
}

void ChildProcess::resume() noexcept {
    if ((needs_terminal_ || lend_at_start_) && terminal_.is_ours()) {
        terminal_.lend(leader_);
    }
    kill(-leader_, SIGCONT);
}

void ChildProcess::end(int signal) {
    assert(signal > 0);
    ending_ = true;
    for (const int sent : {signal, SIGCONT}) {
        if (leader_lives_) {
            kill(-leader_, sent);
        }
        for (const LivingProcess& process : descendants(getpid(), strangers_)) {
            if (!leader_lives_ || process.group != leader_) {
                kill(process.id, sent);
            }
        }
    }
}

bool ChildProcess::has_ended() const {
    return !leader_lives_ && (!ending_ || descendants(getpid(), strangers_).empty());
}

// A script that runs this process shall end as if the key had reached it, too: while the command
// had the terminal, it did not.
void ChildProcess::share_interrupt() const noexcept {
    if (had_terminal_ && getpgrp() != getpid() &&
        (end_signal_ == SIGINT || end_signal_ == SIGQUIT)) {
        kill(0, end_signal_);
    }
}

}  // namespace weir::app
