#pragma once

#include <span>

#include "core/run/deadline.h"
#include "core/run/routine.h"
#include "core/run/scheduler.h"
#include "core/run/wait.h"

namespace weir {

// A wait that other code ends, or a deadline; it needs no matcher. The routine is resumed in a turn
// of its own: the code that ends the wait therefore need not expect that the routine destroys it.
class SignalledWait : public Wait {
public:
    template <InRoutine Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine,
                       const std::source_location& at = std::source_location::current()) {
        Scheduler& scheduler = coroutine.promise().routine->scheduler();
        if (deadline_ != Time::max()) {
            timer_.set(scheduler, std::max(deadline_ - scheduler.now(), Duration::zero()), *this);
        }
        Wait::await_suspend(coroutine, at);
    }

    std::span<const Matcher> matchers() const noexcept override { return {}; }
    Then matched(const Ref<Event>&, Subscription&) override { return Then::wait_on; }
    void take_turn() noexcept override {
        if (ended_) {
            resume();
        }
    }
    void time_is_over() noexcept override {
        if (!ended_) {
            timed_out_ = true;
            resume();
        }
    }

    // Ends the wait.
    void end() noexcept {
        ended_ = true;
        if (routine_ != nullptr) {
            try {
                routine_->scheduler().make_ready(*routine_);
            } catch (...) {
                resume();  // there is no memory for doing it later
            }
        }
    }

protected:
    explicit SignalledWait(Time deadline) noexcept : deadline_(deadline) {}

    // To be called first in await_resume(). Returns false if the deadline has ended the wait.
    bool finish() {
        timer_.cancel();
        check_interrupted();
        return !timed_out_;
    }

private:
    const Time deadline_;
    Deadline timer_;
    bool ended_ = false;
    bool timed_out_ = false;
};

}  // namespace weir
