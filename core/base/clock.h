#pragma once

#include <chrono>

namespace weir {

// Durations and points in time of the event system: nanoseconds on a monotonic clock whose zero
// means nothing, real or simulated.
using Duration = std::chrono::nanoseconds;

struct Clock {
    using duration = Duration;
    using rep = Duration::rep;
    using period = Duration::period;
    using time_point = std::chrono::time_point<Clock>;
    static constexpr bool is_steady = true;
};

using Time = Clock::time_point;

}  // namespace weir
