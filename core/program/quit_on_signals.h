#pragma once

#include <array>

#include <uv.h>

namespace weir {

class Scheduler;
class UvPoller;

/// While it lives, the first SIGINT or SIGTERM of the process makes the scheduler quit, so that
/// every routine can clean up and may wait while it does. The next signal ends the scheduler at
/// once. Does not keep the scheduler running. Every scheduler in a process receives the signals.
/// Its destruction leaves the signals with their default action, whatever it was before, because
/// libuv does so. On the loop's thread only.
///
///     const QuitOnSignals quit_on_signals(poller, scheduler);
///     scheduler.run();
class QuitOnSignals {
public:
    /// Both must outlive the object, and the scheduler must use the poller. Throws
    /// std::system_error if the signals cannot be watched.
    QuitOnSignals(UvPoller& poller, Scheduler& scheduler);
    ~QuitOnSignals();
    QuitOnSignals(const QuitOnSignals&) = delete;
    QuitOnSignals& operator=(const QuitOnSignals&) = delete;

private:
    void close() noexcept;
    void caught(int signal);

    Scheduler& scheduler_;
    std::array<uv_signal_t*, 2> handles_{};  // freed when the loop has closed them
    bool told_ = false;
};

}  // namespace weir
