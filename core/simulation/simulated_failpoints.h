#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>

#include "core/run/poller.h"

namespace weir {

// What happens by chance in a simulation, decided by the seed. Each point has random numbers of its
// own, drawn from the seed and its name: a point that comes or goes changes nothing elsewhere.
class SimulatedFailpoints final : public Poller::Failpoints {
public:
    // The share of the seeds in which a point is active. A run in which all that is unlikely
    // happens at a time would be as one-sided as one in which nothing does.
    static constexpr double active_share = 0.25;

    struct Point {
        bool active = false;        // may happen in this run
        std::uint64_t reached = 0;  // how often it was asked for
        std::uint64_t happened = 0;
        std::mt19937_64 random;
    };

    explicit SimulatedFailpoints(std::uint64_t seed) noexcept : seed_(seed) {}

    // Never for a point that there is no memory for.
    bool happens(std::string_view point, double probability) noexcept override;

    // Those that were reached, by name.
    const std::map<std::string, Point, std::less<>>& points() const noexcept { return points_; }

private:
    Point& point(std::string_view name);

    const std::uint64_t seed_;
    std::map<std::string, Point, std::less<>> points_;
};

}  // namespace weir
