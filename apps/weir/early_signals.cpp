#include "apps/weir/early_signals.h"

#include <csignal>
#include <cstring>
#include <initializer_list>

#include <unistd.h>

#include "apps/weir/exit_code.h"

namespace weir::app {

namespace {

sigset_t held_signals() noexcept {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGUSR1);
    return signals;
}

// A constructor, since it runs before those of all objects of the program; only the dynamic linker
// comes earlier. Linux gives it the arguments of main().
[[gnu::constructor(101)]] void hold_early_signals(int count, char** arguments) noexcept {
    if (count < 2 || std::strcmp(arguments[1], "run") != 0) {
        return;
    }
    const sigset_t held = held_signals();
    pthread_sigmask(SIG_BLOCK, &held, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    struct sigaction end {};
    end.sa_handler = [](int) { _exit(success); };
    sigaction(SIGINT, &end, nullptr);
    sigaction(SIGTERM, &end, nullptr);
}

}  // namespace

LateSignals::~LateSignals() {
    for (const int late : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) {
        std::signal(late, SIG_IGN);
    }
}

void release_early_signals() noexcept {
    const sigset_t held = held_signals();
    pthread_sigmask(SIG_UNBLOCK, &held, nullptr);
}

}  // namespace weir::app
