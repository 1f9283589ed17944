#include "core/simulation/wall_clock.h"

#include <algorithm>
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

Duration until_wall_clock(Poller& poller, std::int64_t time) noexcept {
    constexpr std::int64_t longest = microseconds(std::chrono::minutes(1)).count();
    const std::int64_t now = wall_clock(poller);
    return microseconds(time <= now ? 0 : std::min(time - now, longest));
}

}  // namespace weir
