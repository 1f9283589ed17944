#include "apps/weir/early_signals.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static sigset_t held_signals(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGUSR1);
    return signals;
}

static void end(int signal) {
    (void)signal;
    _exit(0);
}

void weir_hold_early_signals(void) {
    const sigset_t held = held_signals();
    sigprocmask(SIG_BLOCK, &held, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    struct sigaction ending;
    memset(&ending, 0, sizeof ending);
    ending.sa_handler = end;
    sigaction(SIGINT, &ending, NULL);
    sigaction(SIGTERM, &ending, NULL);
}

void weir_release_early_signals(void) {
    const sigset_t held = held_signals();
    pthread_sigmask(SIG_UNBLOCK, &held, NULL);
}
