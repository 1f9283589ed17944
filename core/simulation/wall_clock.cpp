#include "core/simulation/wall_clock.h"

#include <chrono>

#include "core/simulation/simulation.h"

namespace weir {

using std::chrono::duration_cast;
using std::chrono::microseconds;

bool is_simulated(const Poller& poller) noexcept {
    return dynamic_cast<const Simulation*>(&poller) != nullptr;
}

std::int64_t wall_clock(Poller& poller) noexcept {
    const auto since_start = is_simulated(poller)
                                 ? poller.now().time_since_epoch()
                                 : std::chrono::system_clock::now().time_since_epoch();
    return duration_cast<microseconds>(since_start).count();
}

}  // namespace weir
