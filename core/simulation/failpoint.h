#pragma once

#include <string_view>

#include "core/run/container.h"
#include "core/run/scheduler.h"

namespace weir {

// A point where, in a simulation, something unlikely may happen: code is written so that both is
// right, and tests see what seldom comes to pass.
//
//     if (weir::failpoint(*this, "greeter.slow-answer", 0.2)) {
//         co_await weir::sleep(std::chrono::seconds(1));
//     }
//
// Never true outside of a simulation that allows it (Simulation::allow_failpoints), where it costs
// one branch. There, the seed decides for each point whether it is active in this run at all, and
// then each time with the given probability. Names are "<module>.<what>". The scheduler's thread.
//
// The idea is FoundationDB's BUGGIFY.
inline bool failpoint(const Scheduler& scheduler, std::string_view point,
                      double probability) noexcept {
    Poller::Failpoints* const failpoints = scheduler.poller().failpoints();
    return failpoints != nullptr && failpoints->happens(point, probability);
}
// The same in a module or another container.
inline bool failpoint(const Container& container, std::string_view point,
                      double probability) noexcept {
    return failpoint(container.scheduler(), point, probability);
}

}  // namespace weir
