#pragma once

#include <chrono>

#include "core/base/clock.h"
#include "core/run/poller.h"

namespace weir {

// The clock of the machine that also counts while the machine is suspended (CLOCK_BOOTTIME): for
// what another machine lets expire meanwhile. Never goes back, and no administrator sets it. A type
// of its own, because its times must not be mixed with those of the scheduler's Clock, which stands
// still in a suspended machine.
struct BootClock {
    using duration = Duration;
    using rep = Duration::rep;
    using period = Duration::period;
    using time_point = std::chrono::time_point<BootClock>;
    static constexpr bool is_steady = true;
};

using BootTime = BootClock::time_point;

// Returns the time by that clock. In a simulation: its clock, and what Simulation::suspend() added.
BootTime boot_time(Poller& poller) noexcept;

}  // namespace weir
