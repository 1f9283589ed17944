#include <limits>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "modules/system/metrics/metric_family.h"

namespace weir {

namespace {

prometheus::MetricType type_of(MetricKind kind) noexcept {
    switch (kind) {
        case MetricKind::counter:
            return prometheus::MetricType::Counter;
        case MetricKind::histogram:
            return prometheus::MetricType::Histogram;
        case MetricKind::gauge:
            break;
    }
    return prometheus::MetricType::Gauge;
}

prometheus::ClientMetric to_prometheus(const MetricSample& sample, MetricKind kind) {
    prometheus::ClientMetric metric;
    for (const auto& [name, value] : sample.labels) {
        metric.label.push_back({name, value});
    }
    switch (kind) {
        case MetricKind::counter:
            metric.counter.value = sample.value;
            break;
        case MetricKind::gauge:
            metric.gauge.value = sample.value;
            break;
        case MetricKind::histogram:
            metric.histogram.sample_count = sample.count;
            metric.histogram.sample_sum = sample.value;
            for (const MetricSample::Bucket& bucket : sample.buckets) {
                metric.histogram.bucket.push_back({bucket.count, bucket.below});
            }
            metric.histogram.bucket.push_back(
                {sample.count, std::numeric_limits<double>::infinity()});
    }
    return metric;
}

}  // namespace

std::string metrics_text(const std::vector<MetricFamily>& metrics) {
    std::vector<prometheus::MetricFamily> families;
    for (const MetricFamily& metric : metrics) {
        if (metric.samples.empty()) {
            continue;
        }
        prometheus::MetricFamily& family = families.emplace_back();
        family.name = metric.name;
        family.help = metric.sentence;
        family.type = type_of(metric.kind);
        for (const MetricSample& sample : metric.samples) {
            family.metric.push_back(to_prometheus(sample, metric.kind));
        }
    }
    return prometheus::TextSerializer().Serialize(families);
}

}  // namespace weir
