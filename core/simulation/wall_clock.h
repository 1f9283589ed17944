#pragma once

#include <cstdint>

#include "core/run/poller.h"

namespace weir {

// Returns whether time is virtual. Nothing outside of the process is then to be used: neither files
// of the user nor the environment.
bool is_simulated(const Poller& poller) noexcept;

// Returns the microseconds since 1970-01-01 00:00 UTC by the clock of the machine, which jumps when
// it is set. In a simulation, returns those since its start, so that runs are repeatable.
std::int64_t wall_clock(Poller& poller) noexcept;

}  // namespace weir
