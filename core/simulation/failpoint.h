#pragma once

#include <string_view>

#include "core/run/container.h"
#include "core/run/scheduler.h"

namespace weir {

/// Returns whether something unlikely shall happen at this point of the code, in a simulation. The
/// code must be right either way; tests thus see what is rare in production.
///
///     if (weir::failpoint(*this, "greeter.slow-answer", 0.2)) {
///         co_await weir::sleep(std::chrono::seconds(1));
///     }
///
/// Always false, at the cost of one branch, except in a simulation with
/// Simulation::allow_failpoints(). There the seed decides for each point whether it is active in
/// this run at all, and for an active point each call returns true with the given probability.
/// Names are "<module>.<what>". On the scheduler's thread only.
///
/// The idea is FoundationDB's BUGGIFY.
inline bool failpoint(const Scheduler& scheduler, std::string_view point,
                      double probability) noexcept {
    Poller::Failpoints* const failpoints = scheduler.poller().failpoints();
    return failpoints != nullptr && failpoints->happens(point, probability);
}
/// The same for the scheduler of a module or another container.
inline bool failpoint(const Container& container, std::string_view point,
                      double probability) noexcept {
    return failpoint(container.scheduler(), point, probability);
}

}  // namespace weir
