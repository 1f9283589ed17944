#pragma once

#include <chrono>

namespace weir {

/// The clock of the event system: nanoseconds on a monotonic clock, real or simulated. Its zero has
/// no meaning.
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
