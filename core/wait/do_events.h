#pragma once

#include "core/run/next_round.h"

namespace weir {

/// co_await do_events(): lets every ready routine run, and due timers fire, before this routine
/// continues in the scheduler's next round. For long calculations, in routines, on the scheduler's
/// thread only. Not every round polls for I/O: UvPoller does so in each 16th round, and in a round
/// that begins 50 us after its last poll.
inline NextRound do_events() noexcept {
    return {};
}

}  // namespace weir
