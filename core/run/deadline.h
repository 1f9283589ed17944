#pragma once

#include "core/base/clock.h"
#include "core/base/ref.h"
#include "core/run/timer.h"

namespace weir {

class Scheduler;
class Wait;

/// The time at which a wait ends by itself: a timer that needs no matcher, because its event calls
/// Wait::time_is_over(), and no memory, because it lies here, beside the wait that it ends. It is
/// cancelled when it is destroyed.
class Deadline {
public:
    Deadline() noexcept : timer_(Duration::zero()) {
        timer_.retain();  // the heap holds references, too, and must not delete it
        timer_.deadline_ = this;
    }
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;
    ~Deadline() { cancel(); }

    /// Lets the wait end `after` from now. Requires that no time is set.
    void set(Scheduler& scheduler, Duration after, Wait& wait);
    /// From now on the wait is not ended any more, even if the event is on its way.
    void cancel() noexcept {
        if (wait_ != nullptr) {
            end();
        }
    }

private:
    friend class TimerState;

    void end() noexcept;

    TimerState timer_;
    Wait* wait_ = nullptr;   // while a time is set
    Ref<TimerState> fired_;  // the state of the event that is on its way
};

}  // namespace weir
