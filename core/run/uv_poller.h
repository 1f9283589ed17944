#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <unordered_map>

#include <uv.h>

#include "core/run/pending_code.h"
#include "core/run/poller.h"

namespace weir {

// The world of libuv: the monotonic clock, and a loop whose callbacks send the events of the
// outside. A scheduler with this poller runs the loop itself, on the thread that calls
// Scheduler::run.
//
// "Nothing can happen any more" means that no handle or request is alive in the loop: what shall
// not keep a scheduler running is unref'd (uv_unref).
//
// Timers are never early; they are late by up to two milliseconds, for libuv waits in whole ones.
class UvPoller final : public Poller, public PendingCode {
public:
    // While a scheduler has work it polls only every so many rounds, or once so much time has
    // passed, whatever is first: a poll is a system call, a round often much less. What happens
    // outside thus waits for at most `poll_at_least_every` and one round longer than with a poll
    // in each.
    static constexpr unsigned rounds_between_polls = 16;
    static constexpr Duration poll_at_least_every = std::chrono::microseconds(50);
    // After so long without anything happening there is a SystemControlLowPriorityEvent `idle`.
    static constexpr Duration idle_after = std::chrono::seconds(60);

    // With a loop of its own. Throws std::system_error if there are no file descriptors left.
    UvPoller();
    // With a loop that must outlive it.
    explicit UvPoller(uv_loop_t& loop);
    // Closes its handles and runs the loop until they are gone, and work on other threads is done;
    // thus not to be called in a callback of the loop. Requires of an own loop that all other
    // handles are closed or about to be.
    ~UvPoller() override;
    UvPoller(const UvPoller&) = delete;
    UvPoller& operator=(const UvPoller&) = delete;

    uv_loop_t& loop() noexcept { return *loop_; }

    Time now() noexcept override { return Time(Duration(uv_hrtime())); }
    bool poll(std::optional<Duration> wait) override;
    void wake() noexcept override;
    std::uint64_t random() noexcept override { return random_(); }
    std::unique_ptr<Bell> make_bell(std::function<void()> answer) override;
    void start_work(Work& work) override;
    void cancel_work(Work& work) noexcept override;
    // Work that is not done, and all handles of the loop, whoever made them.
    void visit_code(const Visit& visit) const override;

    // --- for LoopGuest

    // Whether the poll that would now be due can be left out.
    bool may_skip_poll(std::optional<Duration> wait) noexcept;
    // Makes the loop, where it waits next, wait no longer than that.
    void limit_wait(std::optional<Duration> wait) noexcept;
    // The loop may wait for as long as it likes.
    void lift_limit() noexcept;

private:
    struct UvWork;

    void open();
    void close() noexcept;
    void before_waiting() noexcept;
    bool woken() const noexcept;

    uv_loop_t own_loop_;
    uv_loop_t* loop_;
    uv_timer_t timer_;       // active while a poll waits for a limited time
    uv_idle_t wake_;         // active: the loop does not wait
    uv_prepare_t prepare_;   // called before the loop waits; does not keep it alive
    std::uint64_t due_ = 0;  // of the timer, in the loop's milliseconds
    bool waiting_ = false;   // in a poll that may wait
    unsigned rounds_ = 0;    // since the last poll
    Time last_poll_{};
    std::unordered_map<Work*, std::unique_ptr<UvWork>> works_;  // that are not done
    std::mt19937_64 random_;
};

}  // namespace weir
