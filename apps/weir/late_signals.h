#pragma once

#include <csignal>

namespace weir::app {

// While it lives it does nothing; its destructor ignores signals that would end the process while
// it ends anyway, so that its exit code stays. Declare it before the server's own handlers: it is
// then destroyed right after them.
struct LateSignals {
    LateSignals() = default;
    LateSignals(const LateSignals&) = delete;
    LateSignals& operator=(const LateSignals&) = delete;
    ~LateSignals() {
        for (const int late : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) {
            std::signal(late, SIG_IGN);
        }
    }
};

}  // namespace weir::app
