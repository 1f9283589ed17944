#pragma once

#include <string_view>

#include "core/container.h"
#include "core/scheduler.h"

namespace weir {

// A point where, in a simulation, something unlikely may happen: code is written so that both is
// right, and tests see what seldom comes to pass.
//
//     if (weir::chance(*this, "greeter.slow-answer", 0.2)) {
//         co_await weir::sleep(std::chrono::seconds(1));
//     }
//
// Never true outside of a simulation that allows it (Simulation::allow_chances), where it costs one
// branch. There, the seed decides for each point whether it is active in this run at all, and then
// each time with the given probability. Names are "<module>.<what>". The scheduler's thread.
//
// The idea is FoundationDB's BUGGIFY.
inline bool chance(const Scheduler& scheduler, std::string_view point,
                   double probability) noexcept {
    Poller::Chances* const chances = scheduler.poller().chances();
    return chances != nullptr && chances->happens(point, probability);
}
// The same in a module or another container.
inline bool chance(const Container& container, std::string_view point,
                   double probability) noexcept {
    return chance(container.scheduler(), point, probability);
}

}  // namespace weir
