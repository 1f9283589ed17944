#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/run/poller.h"
#include "core/simulation/simulated_failpoints.h"

namespace weir {

// A world of virtual time for tests: the clock stands still while anything can run, and then goes
// to the next timer, or to the next thing that was told to happen outside, at once. The same seed
// gives the same run.
class Simulation final : public Poller {
public:
    explicit Simulation(std::uint64_t seed = 1) : random_(seed), failpoints_(seed) {}

    // Calls the function, as something outside would happen, `after` from now. Of what happens at
    // the same time the order is drawn by chance, from the seed.
    void happen(Duration after, std::function<void()> what);

    // Stands still for so long, as a process that is stopped (SIGSTOP, a machine that is migrated)
    // or a routine that computes. What happens outside meanwhile is brought by the next poll; a
    // poll in whose callbacks this is called returns at once, as one does that a signal interrupts.
    void pause(Duration time) noexcept {
        now_ += time;
        interrupted_ = true;
    }

    // Lets the n-th poll from now, and only that, bring nothing and be over at once.
    void fail_poll(std::uint64_t n) noexcept { failing_poll_ = polls_ + n; }
    std::uint64_t polls() const noexcept { return polls_; }

    // Lets the n-th way in from other threads from now, and only that, not be had: making the first
    // Poster of a scheduler throws std::system_error, as when no file descriptors are left.
    void fail_bell(std::uint64_t n) noexcept { failing_bell_ = bells_made_ + n; }

    // Lets happen what is left to chance (chance.h); without this nothing does.
    void allow_failpoints() noexcept { set_failpoints(&failpoints_); }
    const SimulatedFailpoints& failpoints() const noexcept { return failpoints_; }

    // Lets what comes from other threads, posts and the results of work, come up to so much later,
    // each by its own chance.
    void delay_threads(Duration up_to) noexcept { thread_delay_ = up_to; }

    Time now() noexcept override { return now_; }
    bool poll(std::optional<Duration> wait) override;
    void wake() noexcept override { woken_ = true; }
    std::uint64_t random() noexcept override { return random_(); }
    // There are no other threads: a bell is rung, and work runs, on the one that polls.
    std::unique_ptr<Bell> make_bell(std::function<void()> answer) override;
    void start_work(Work& work) override;
    void cancel_work(Work& work) noexcept override;

private:
    class SimulatedBell;
    // When, and which of what happens at the same time goes first.
    using Moment = std::pair<Time, std::uint64_t>;

    Duration thread_delay() noexcept;
    SimulatedBell* next_bell() const noexcept;
    std::optional<Time> next_outside() const noexcept;
    void happen_next();

    Time now_{};
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
    std::unordered_map<Work*, bool> works_;  // that are not done, and whether they are cancelled
};

}  // namespace weir
