#include "apps/weir/first_process.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>

#include <sys/wait.h>
#include <unistd.h>

#include "apps/weir/exit_code.h"

namespace weir::app {

namespace {

// Reaps all that have ended. Ends this process if the server is among them.
void reap(pid_t server) noexcept {
    int status = 0;
    for (pid_t ended = 0; (ended = ::waitpid(-1, &status, WNOHANG)) > 0;) {
        if (ended == server) {
            ::_exit(WIFSIGNALED(status) ? killed + WTERMSIG(status) : WEXITSTATUS(status));
        }
    }
}

[[noreturn]] void serve_as_first(pid_t server, const sigset_t& all) noexcept {
    for (;;) {
        const int signal = ::sigwaitinfo(&all, nullptr);
        if (signal == SIGCHLD) {
            reap(server);
        } else if (signal > 0) {
            ::kill(server, signal);
        }
    }
}

// The server has a group of its own, so that keys of a terminal send it a signal once.
void lead_foreground() noexcept {
    ::setpgid(0, 0);
    if (::isatty(STDIN_FILENO) != 0) {
        ::tcsetpgrp(STDIN_FILENO, ::getpgrp());
    }
}

}  // namespace

void split_first_process() {
    if (::getpid() != 1) {
        return;
    }
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t server = ::fork();
    if (server > 0) {
        serve_as_first(server, all);
    }
    const int error = errno;
    if (server == 0) {
        lead_foreground();
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (server < 0) {
        throw std::system_error(error, std::generic_category(), "cannot start a second process");
    }
}

}  // namespace weir::app
