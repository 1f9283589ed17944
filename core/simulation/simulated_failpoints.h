#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>

#include "core/run/poller.h"

namespace weir {

/// Decides by the seed what happens at the failpoints of a simulation. Each point draws from random
/// numbers of its own, seeded by the seed and the point's name: adding or removing a point changes
/// nothing elsewhere.
class SimulatedFailpoints final : public Poller::Failpoints {
public:
    /// The share of seeds in which a point is active. A run in which everything unlikely happened
    /// at once would be as one-sided as a run in which nothing does.
    static constexpr double active_share = 0.25;

    struct Point {
        bool active = false;        ///< may happen in this run
        std::uint64_t reached = 0;  ///< number of calls
        std::uint64_t happened = 0;
        std::mt19937_64 random;
    };

    explicit SimulatedFailpoints(std::uint64_t seed) noexcept : seed_(seed) {}

    /// Returns false if there is no memory for the point's record.
    bool happens(std::string_view point, double probability) noexcept override;

    /// The points that were reached, by name.
    const std::map<std::string, Point, std::less<>>& points() const noexcept { return points_; }

private:
    Point& point(std::string_view name);

    const std::uint64_t seed_;
    std::map<std::string, Point, std::less<>> points_;
};

}  // namespace weir
