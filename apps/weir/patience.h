#pragma once

#include <algorithm>
#include <cassert>
#include <chrono>

namespace weir::app {

// How long an answer is waited for. Only time in which this process was awake counts: if it was
// stopped, or its machine was migrated, the other side may have stood still as well.
//
// The caller looks now and then, at the latest after next_look(). A look that comes much later than
// that was preceded by a pause, and the time since the look before does not count at all. So the
// other side always has half the limit, at least, that this process was awake for.
class Patience {
public:
    using Clock = std::chrono::steady_clock;

    // `limit` must be positive.
    explicit Patience(Clock::duration limit) noexcept : step_(limit / 2) {
        assert(limit > Clock::duration::zero());
    }

    // Begins to wait, for `time` from `now` on.
    void begin(Clock::time_point now, Clock::duration time) noexcept {
        looked_ = now;
        left_ = time;
    }

    // The other side has shown that it lives: it gets so much more time.
    void add(Clock::duration time) noexcept { left_ += time; }

    // Returns whether the caller has waited for as long as it may.
    bool look(Clock::time_point now) noexcept {
        const Clock::duration passed = now - looked_;
        looked_ = now;
        if (passed > step_ + step_ / 4) {
            left_ = std::max(left_, step_);
        } else {
            left_ -= std::min(passed, step_);
        }
        return left_ <= Clock::duration::zero();
    }

    // When to look again, counted from the last look.
    Clock::duration next_look() const noexcept {
        return std::clamp(left_, Clock::duration::zero(), step_);
    }

private:
    const Clock::duration step_;
    Clock::time_point looked_;
    Clock::duration left_{};
};

}  // namespace weir::app
