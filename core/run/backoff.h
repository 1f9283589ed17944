#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "core/base/clock.h"
#include "core/run/poller.h"

namespace weir {

// Returns how long to wait before the next attempt to reach a server after `failures` in a row: at
// random up to 50 ms, twice as much for each further failure, and at most `longest`. Random, so
// that the clients of a server that has failed do not all come at one moment.
inline Duration random_pause(std::size_t failures, Duration longest, Poller& poller) {
    constexpr Duration first = std::chrono::milliseconds(50);
    constexpr std::size_t most_doublings = 16;
    const Duration most = std::min(first * (1 << std::min(failures, most_doublings)), longest);
    return Duration(
        static_cast<Duration::rep>(poller.random() % static_cast<std::uint64_t>(most.count() + 1)));
}

}  // namespace weir
