#pragma once

namespace weir::app {

// Signals to `weir run` that come before its server can obey them. From before main() on, SIGHUP
// and SIGUSR1 are held back, and SIGINT and SIGTERM end the process at once and with success:
// nothing runs yet. By default the former would end it too, and a process that is the first of a
// container would never get SIGTERM. SIGPIPE and SIGXFSZ are ignored for good: a write to a closed
// pipe, or beyond the limit of file sizes, fails and is handled there.
//
// To be called when the server's own handlers are in place: a signal that was held back comes now.
void release_early_signals() noexcept;

// While it lives it does nothing; its destructor ignores signals that would end the process while
// it ends anyway, so that its exit code stays. Declare it before the server's own handlers: it is
// then destroyed right after them.
struct LateSignals {
    LateSignals() = default;
    LateSignals(const LateSignals&) = delete;
    LateSignals& operator=(const LateSignals&) = delete;
    ~LateSignals();
};

}  // namespace weir::app
