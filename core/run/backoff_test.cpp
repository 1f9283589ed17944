#include "core/run/backoff.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "core/simulation/simulation.h"

using namespace weir;
using namespace std::chrono_literals;

TEST_CASE(
    "pauses between attempts are random, and twice as long after each failure up to the longest") {
    Simulation simulation;
    const auto most = [&simulation](std::size_t failures) {
        Duration longest{};
        for (int i = 0; i != 1000; ++i) {
            longest = std::max(longest, random_pause(failures, 5s, simulation));
        }
        return longest;
    };
    for (const auto& [failures, expected] :
         {std::pair<std::size_t, Duration>(0, 50ms), {1, 100ms}, {4, 800ms}, {7, 5s}, {1000, 5s}}) {
        CHECK(most(failures) <= expected);
        CHECK(most(failures) > expected * 9 / 10);
    }
    CHECK(random_pause(3, 0s, simulation) == 0s);
}
