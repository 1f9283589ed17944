#pragma once

#include <memory>

#include "core/event/matcher.h"

namespace weir {

class Scheduler;

// Tells when the clock of the machine is set, by an administrator or a time server, and when the
// machine wakes from sleep, in which the clock of the timers stands still. Works in simulations,
// where Simulation::set_wall_clock() sets the clock.
class ClockWatch {
public:
    // Throws SystemError if no file descriptors are left.
    static std::unique_ptr<ClockWatch> make(Scheduler& scheduler);

    virtual ~ClockWatch() = default;
    // Returns the matcher of an event that comes when the clock is set from now on, or was set
    // since the last call. Call it anew for each wait.
    virtual const Matcher& was_set() = 0;
};

}  // namespace weir
