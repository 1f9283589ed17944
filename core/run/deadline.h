#pragma once

#include "core/base/clock.h"
#include "core/base/ref.h"
#include "core/run/timer.h"

namespace weir {

class Scheduler;
class Wait;

/// The time at which a wait ends by itself: a timer that needs no matcher, because its event calls
/// Wait::time_is_over(). Lies beside the wait that it ends, and is cancelled when it is destroyed.
class Deadline {
public:
    Deadline() noexcept = default;
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;
    ~Deadline() { cancel(); }

    /// Lets the wait end `after` from now. Requires that no time is set.
    void set(Scheduler& scheduler, Duration after, Wait& wait);
    /// From now on the wait is not ended any more, even if the event is on its way.
    void cancel() noexcept;

private:
    Ref<TimerState> state_;
};

}  // namespace weir
