#pragma once

#include <array>

#include <uv.h>

namespace weir {

class Scheduler;
class UvPoller;

// While it lives, the first SIGINT or SIGTERM of the process tells the scheduler to quit, so that
// every routine can clean up, waiting as usual; the next one ends it at once. Does not keep the
// scheduler running. Several schedulers in a process each get the signals. Afterwards the signals
// have their default action again, whatever they had before: libuv leaves them so.
//
//     const QuitOnSignals quit_on_signals(poller, scheduler);
//     scheduler.run();
class QuitOnSignals {
public:
    // Both must outlive it, and the scheduler must use the poller. Throws std::system_error if the
    // signals cannot be watched.
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
