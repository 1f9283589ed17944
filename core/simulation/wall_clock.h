#pragma once

#include <chrono>
#include <cstdint>

#include "core/run/poller.h"

namespace weir {

// A time by the clock of the machine, which jumps when it is set.
using WallTime = std::chrono::sys_time<std::chrono::microseconds>;

// Returns whether time is virtual. Nothing outside of the process is then to be used: neither files
// of the user nor the environment.
bool is_simulated(const Poller& poller) noexcept;

// Returns the time by the clock of the machine. A simulation starts at 1970-01-01 00:00 UTC, so
// that runs are repeatable, or at what Simulation::set_wall_clock() says.
WallTime wall_time(Poller& poller) noexcept;
// Returns the same as microseconds since 1970-01-01 00:00 UTC.
std::int64_t wall_clock(Poller& poller) noexcept;
// Returns how long to wait for a time of that clock, in microseconds since 1970: at least zero, and
// at most a minute, since the clock may be set meanwhile.
Duration until_wall_clock(Poller& poller, std::int64_t time) noexcept;

}  // namespace weir
