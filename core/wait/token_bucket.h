#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/run/scheduler.h"
#include "core/run/task.h"

namespace weir {

/// Limits how much is done per second: requests, bytes, or any other unit. The bucket holds at most
/// `burst` tokens, is full at first, and gets `per_second` more each second. A routine takes tokens
/// for what it does, and waits while there are too few:
///
///     TokenBucket requests(scheduler, 100, 20);  // 100 a second, 20 at once
///     co_await requests.take();
///
/// Callers pass in FIFO order; one that is closed while it waits has taken nothing. A request for
/// more than `burst` passes when the bucket is full; those after it wait until what it has taken
/// too much is there again. Must outlive the routines that wait for it. Belongs to the scheduler's
/// thread.
class TokenBucket {
public:
    /// Throws std::invalid_argument unless both are positive and finite.
    TokenBucket(Scheduler& scheduler, double per_second, double burst);
    ~TokenBucket();
    TokenBucket(const TokenBucket&) = delete;
    TokenBucket& operator=(const TokenBucket&) = delete;

    double per_second() const noexcept { return per_second_; }
    double burst() const noexcept { return burst_; }
    /// Changes both, also for callers that wait. Throws as the constructor does.
    void change(double per_second, double burst);

    /// Takes the tokens and returns true if they are there and no routine waits; takes none
    /// otherwise.
    bool try_take(std::uint64_t tokens = 1);
    /// co_await bucket.take(): returns when it has taken the tokens.
    Task<> take(std::uint64_t tokens = 1);
    /// Returns how many tokens are there now; less than 0 if callers have taken too many.
    double tokens() noexcept;
    /// Returns how many routines wait.
    std::size_t waiting() const noexcept { return waiting_count_; }

private:
    class Waiter;

    void set(double per_second, double burst);
    bool take_now(std::uint64_t tokens) noexcept;
    Duration time_until(std::uint64_t tokens) const noexcept;

    Scheduler& scheduler_;
    double per_second_ = 0;
    double burst_ = 0;
    double tokens_ = 0;
    Time filled_;
    List<Waiter> waiting_;  // the first one waits for tokens, the others for their turn
    std::size_t waiting_count_ = 0;
};

}  // namespace weir
