#include "modules/system/metrics/metric_family.h"

#include <cmath>

namespace weir {

void MetricFamily::add(const Histogram& durations, MetricLabels labels) {
    constexpr std::size_t first = 10;  // exponents of two, of nanoseconds
    constexpr std::size_t last = 36;
    MetricSample sample{std::move(labels), std::chrono::duration<double>(durations.sum()).count(),
                        durations.count()};
    for (std::size_t exponent = first; exponent <= last; exponent += 2) {
        sample.buckets.push_back(
            {std::ldexp(1e-9, static_cast<int>(exponent)), durations.count_below(exponent)});
    }
    samples.push_back(std::move(sample));
}

}  // namespace weir
