#include "core/simulation/simulated_failpoints.h"

#include <new>
#include <vector>

namespace weir {

namespace {

// Returns a number in [0, 1). Not a distribution of the standard library, because these differ
// between implementations.
double share(std::mt19937_64& random) noexcept {
    return static_cast<double>(random() >> 11) * 0x1.0p-53;
}

}  // namespace

SimulatedFailpoints::Point& SimulatedFailpoints::point(std::string_view name) {
    if (const auto found = points_.find(name); found != points_.end()) {
        return found->second;
    }
    // Seeded by name and seed, so that a point's numbers do not depend on other points.
    std::vector<std::uint32_t> numbers(name.begin(), name.end());
    numbers.push_back(static_cast<std::uint32_t>(seed_));
    numbers.push_back(static_cast<std::uint32_t>(seed_ >> 32));
    std::seed_seq seed(numbers.begin(), numbers.end());
    Point made;
    made.random.seed(seed);
    made.active = share(made.random) < active_share;
    return points_.emplace(name, made).first->second;
}

bool SimulatedFailpoints::happens(std::string_view name, double probability) noexcept {
    try {
        Point& asked = point(name);
        ++asked.reached;
        if (!asked.active || share(asked.random) >= probability) {
            return false;
        }
        ++asked.happened;
        return true;
    } catch (const std::bad_alloc&) {
        return false;
    }
}

}  // namespace weir
