#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/histogram.h"

namespace weir {

/// How the values of a metric behave, in the words of Prometheus.
enum class MetricKind : std::uint8_t {
    counter,    ///< only grows, but for restarts and reloads
    gauge,      ///< goes up and down
    histogram,  ///< durations, counted by their length
};

/// What tells the values of one metric apart, such as {{"queue", "root/lock"}}. Must not tell what
/// clients choose freely, or there are values without end.
using MetricLabels = std::vector<std::pair<std::string, std::string>>;

/// One value of a metric. Of a histogram: how many durations there were, and their sum.
struct MetricSample {
    struct Bucket {
        double below = 0;  // seconds
        std::uint64_t count = 0;
    };

    MetricLabels labels;
    double value = 0;               // of a histogram: the sum, in seconds
    std::uint64_t count = 0;        // of a histogram
    std::vector<Bucket> buckets{};  // of a histogram: each has what is in those before it too
};

/// A metric with all its values at one moment, as plain data.
struct MetricFamily {
    std::string name;      ///< as the text for Prometheus has it: weir_lock_acquired_total
    std::string sentence;  ///< without a full stop
    MetricKind kind = MetricKind::gauge;
    std::vector<MetricSample> samples{};

    /// Adds a value of a counter or gauge.
    template <class T>
        requires std::integral<T> || std::floating_point<T>
    void add(T value, MetricLabels labels = {}) {
        samples.push_back({std::move(labels), static_cast<double>(value)});
    }
    /// Adds a value of a histogram. Its buckets end at powers of four nanoseconds, from 1 us to
    /// 69 s.
    void add(const Histogram& durations, MetricLabels labels = {});
};

/// Returns the metrics in the text format of Prometheus, version 0.0.4. Families without values are
/// left out.
std::string metrics_text(const std::vector<MetricFamily>& metrics);

}  // namespace weir
