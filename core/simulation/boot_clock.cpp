#include "core/simulation/boot_clock.h"

#include <ctime>

#include "core/simulation/simulation.h"

namespace weir {

BootTime boot_time(Poller& poller) noexcept {
    if (const auto* simulation = dynamic_cast<const Simulation*>(&poller)) {
        return simulation->boot_clock();
    }
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return BootTime(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace weir
