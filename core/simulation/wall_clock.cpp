#include "core/simulation/wall_clock.h"

#include <chrono>

#include "core/simulation/simulation.h"

namespace weir {

using std::chrono::microseconds;

bool is_simulated(const Poller& poller) noexcept {
    return dynamic_cast<const Simulation*>(&poller) != nullptr;
}

WallTime wall_time(Poller& poller) noexcept {
    const auto* simulation = dynamic_cast<const Simulation*>(&poller);
    return simulation != nullptr
               ? simulation->wall_clock()
               : std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
}

std::int64_t wall_clock(Poller& poller) noexcept {
    return wall_time(poller).time_since_epoch().count();
}

}  // namespace weir
