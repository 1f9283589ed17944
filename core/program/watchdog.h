#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "core/base/clock.h"
#include "core/program/thread_stack.h"

namespace weir {

class Scheduler;
class UvPoller;

struct WatchdogOptions {
    /// A round that takes longer is stuck.
    Duration limit = std::chrono::seconds(1);
    /// Gets a text, once for each round that is stuck, while it is: which routine runs, and the
    /// functions in which the loop's thread is. Called on the watchdog's thread.
    std::function<void(const std::string&)> report = {};
    /// `alive` is called so often, on the watchdog's thread, unless the loop is stuck: for a
    /// Supervisor.
    std::optional<Duration> alive_every = {};
    std::function<void()> alive = {};
};

/// Watches, from a thread of its own, whether a scheduler's loop goes on. The loop does no more for
/// it than to store a number in each round.
///
/// Sees rounds, which run routines and handlers of events, not what a callback of libuv does. The
/// scheduler itself logs how long a round has taken, when it ends.
class Watchdog {
public:
    /// To be made and destroyed on the loop's thread. Both must outlive it, and the scheduler must
    /// use the poller.
    Watchdog(const UvPoller& poller, Scheduler& scheduler, WatchdogOptions options);
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

private:
    void watch();
    void report(Duration stuck_for);

    const UvPoller& poller_;
    const WatchdogOptions options_;
    ThreadStack stack_;
    std::mutex mutex_;
    std::condition_variable end_;
    bool ended_ = false;
    std::thread thread_;
};

}  // namespace weir
