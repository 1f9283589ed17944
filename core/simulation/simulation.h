#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/base/list.h"
#include "core/run/pending_code.h"
#include "core/run/poller.h"
#include "core/simulation/boot_clock.h"
#include "core/simulation/simulated_failpoints.h"

namespace weir {

/// A Poller of virtual time, for tests. The clock stands still while any routine can run. Then it
/// jumps to the next timer or to the next call of happen(). The same seed gives the same run.
/// Not thread-safe.
class Simulation final : public Poller, public PendingCode {
public:
    explicit Simulation(std::uint64_t seed = 1) : random_(seed), failpoints_(seed) {}

    /// Calls the function `after` from now, in a poll, like input from outside. The seed decides
    /// the order of calls at the same time.
    void happen(Duration after, std::function<void()> what);

    /// Stands still for so long, as a process does that is stopped (SIGSTOP, a machine that is
    /// migrated), or a routine that computes. The next poll brings what happens outside meanwhile.
    /// A poll in whose callbacks this is called returns at once, like one that a signal interrupts.
    void pause(Duration time) noexcept {
        now_ += time;
        interrupted_ = true;
    }

    /// Suspends the machine for so long: the clock of the timers, now(), stands still, that of
    /// boot_time() goes on, and so does the wall clock.
    void suspend(Duration time) noexcept {
        suspended_ += time;
        wall_offset_ += time;
    }
    BootTime boot_clock() const noexcept { return BootTime(now_.time_since_epoch() + suspended_); }

    /// Sets the clock of the machine (wall_time), as an administrator or a time server does. The
    /// clock of the timers, now(), does not jump.
    void set_wall_clock(std::chrono::sys_time<std::chrono::microseconds> time);
    std::chrono::sys_time<std::chrono::microseconds> wall_clock() const noexcept {
        return std::chrono::time_point_cast<std::chrono::microseconds>(
            std::chrono::sys_time<Duration>(now_.time_since_epoch() + wall_offset_));
    }
    /// Told when the clock of the machine is set.
    class WallClockUser : public Link<WallClockUser, Simulation> {
    public:
        virtual void wall_clock_was_set() = 0;

    protected:
        ~WallClockUser() = default;
    };
    void add_wall_clock_user(WallClockUser& clock_user) noexcept {
        wall_clock_users_.push_back(clock_user);
    }

    /// Makes the n-th poll from now, and only that one, return at once without result.
    void fail_poll(std::uint64_t n) noexcept { failing_poll_ = polls_ + n; }
    std::uint64_t polls() const noexcept { return polls_; }

    /// Makes the n-th make_bell() from now, and only that one, fail: making the first Poster of a
    /// scheduler then throws std::system_error, as when file descriptors run out.
    void fail_bell(std::uint64_t n) noexcept { failing_bell_ = bells_made_ + n; }

    /// Enables failpoints (failpoint.h), which never happen otherwise.
    void allow_failpoints() noexcept { set_failpoints(&failpoints_); }
    const SimulatedFailpoints& failpoints() const noexcept { return failpoints_; }

    /// Delays posts and results of work from other threads by a random time of up to `up_to` each.
    void delay_threads(Duration up_to) noexcept { thread_delay_ = up_to; }

    Time now() noexcept override { return now_; }
    bool poll(std::optional<Duration> wait) override;
    void wake() noexcept override { woken_ = true; }
    std::uint64_t random() noexcept override { return random_(); }
    /// Bells are answered, and work runs, on the polling thread: a simulation has no other.
    std::unique_ptr<Bell> make_bell(std::function<void()> answer) override;
    void start_work(Work& work) override;
    void cancel_work(Work& work) noexcept override;
    void visit_code(const Visit& visit) const override;

private:
    class SimulatedBell;
    // The time, and a random number that orders calls at the same time.
    using Moment = std::pair<Time, std::uint64_t>;

    Duration thread_delay() noexcept;
    SimulatedBell* next_bell() const noexcept;
    std::optional<Time> next_outside() const noexcept;
    void happen_next();
    bool look(std::optional<Duration> wait);

    Time now_{};
    Duration wall_offset_{};
    Duration suspended_{};
    List<WallClockUser, Simulation> wall_clock_users_;
    std::mt19937_64 random_;
    SimulatedFailpoints failpoints_;
    std::multimap<Moment, std::function<void()>> outside_;
    std::vector<SimulatedBell*> bells_;
    std::uint64_t bells_made_ = 0;
    std::uint64_t failing_bell_ = 0;
    std::uint64_t polls_ = 0;
    std::uint64_t failing_poll_ = 0;
    bool woken_ = false;
    bool interrupted_ = false;
    Duration thread_delay_{};
    std::unordered_map<Work*, bool> works_;  // not done; whether they are cancelled
};

}  // namespace weir
