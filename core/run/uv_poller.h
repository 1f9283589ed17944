#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <unordered_map>

#include <uv.h>

#include "core/base/list.h"
#include "core/run/pending_code.h"
#include "core/run/poller.h"

namespace weir {

// A Poller on libuv: the monotonic clock, and a loop whose callbacks send the events of sockets,
// signals and other threads. A scheduler with this poller runs the loop itself, on the thread that
// calls Scheduler::run.
//
// "Nothing can happen any more" means that no handle or request is alive in the loop: unref
// (uv_unref) what shall not keep a scheduler running.
//
// Timers are never early. They are late by up to two milliseconds, for libuv waits in whole ones.
class UvPoller final : public Poller, public PendingCode {
public:
    // A scheduler that has work polls only every so many rounds, or once so much time has passed,
    // whatever is first: a poll is a system call, a round often costs much less. An event outside
    // therefore waits for at most `poll_at_least_every` and one round longer than with a poll in
    // each round.
    static constexpr unsigned rounds_between_polls = 16;
    static constexpr Duration poll_at_least_every = std::chrono::microseconds(50);
    // After so long without an event the scheduler sends a SystemControlLowPriorityEvent `idle`.
    static constexpr Duration idle_after = std::chrono::seconds(60);

    // Makes a loop of its own. Throws std::system_error if no file descriptors are left.
    UvPoller();
    // Uses the loop, which must outlive the poller.
    explicit UvPoller(uv_loop_t& loop);
    // Closes the poller's handles, and runs the loop until they are closed and work on other
    // threads is done; therefore not allowed in a callback of the loop. A loop of its own must have
    // no other handle that is not closing.
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
    // Work that is not done, and all handles of the loop, foreign ones too.
    void visit_code(const Visit& visit) const override;

    // Returns since when the loop has worked without waiting: the begin of the running round, or of
    // the last one if polls do not wait; Time{} while it waits. May be called on any thread. What
    // callbacks of libuv do right after a wait counts as waiting.
    Time busy_since() const noexcept {
        return Time(Duration(busy_since_.load(std::memory_order_relaxed)));
    }

    // --- for streams

    // A stream that has output. Writes it after the next poll, which does not wait.
    class Output : public Link<Output, UvPoller> {
    public:
        virtual void write_now() noexcept = 0;

    protected:
        ~Output() = default;
    };
    // Lets it write after the next poll; does nothing if it is to write already.
    void write_after_poll(Output& output) noexcept;
    // It has nothing to write any more.
    void cancel_output(Output& output) noexcept;

    // --- for LoopGuest

    // Notes and returns the time, at which the loop has come back from its other callbacks.
    Time note_wait() noexcept;
    // Returns whether the poll that would now be due can be left out. Notes the time.
    bool may_skip_poll(std::optional<Duration> wait) noexcept;
    // Makes the next wait of the loop no longer than `wait`.
    void limit_wait(std::optional<Duration> wait) noexcept;
    // Lets the loop wait for as long as it likes.
    void lift_limit() noexcept;

private:
    struct UvWork;

    void open();
    void close() noexcept;
    void before_waiting() noexcept;
    void write_outputs() noexcept;
    bool woken() const noexcept;
    void set_busy(Time since) noexcept {
        busy_since_.store(since.time_since_epoch().count(), std::memory_order_relaxed);
    }

    uv_loop_t own_loop_;
    uv_loop_t* loop_;
    // The handles, zeroed: see visit_code().
    uv_timer_t timer_{};              // active while a poll waits for a limited time
    uv_idle_t wake_{};                // active: the loop does not wait
    uv_idle_t output_{};              // the same, while streams have output
    uv_check_t written_{};            // active while they have: called after the loop has waited
    uv_prepare_t prepare_{};          // called before the loop waits; does not keep it alive
    std::uint64_t due_ = 0;           // of the timer, in the loop's milliseconds
    bool waiting_ = false;            // in a poll that may wait
    List<Output, UvPoller> outputs_;  // in the order in which they write
    unsigned rounds_ = 0;             // since the last poll
    Time looked_at_{};                // when the last poll that was not left out ended
    std::atomic<Duration::rep> busy_since_ = 0;
    std::unordered_map<Work*, std::unique_ptr<UvWork>> works_;  // not done yet
    std::mt19937_64 random_;
};

}  // namespace weir
