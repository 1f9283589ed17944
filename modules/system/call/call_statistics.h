#pragma once

#include <cstdint>

#include "core/base/histogram.h"

namespace weir {

/// What a module counts of the calls of one of its functions.
struct CallStatistics {
    /// How long they took, from when the caller called until the answer was there, as the clock of
    /// each round has it: a function that answers in the round of its call takes no time.
    Histogram time;
    /// Those of them that ended with an error, or that their caller gave up.
    std::uint64_t failed = 0;

    void add(const CallStatistics& other) noexcept {
        time.add(other.time);
        failed += other.failed;
    }
};

}  // namespace weir
