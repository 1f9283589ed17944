#include "modules/system/metrics/metric_family.h"

#include <catch2/catch.hpp>

using namespace weir;
using namespace std::chrono_literals;

TEST_CASE("the text for Prometheus names each metric, what it means and its values") {
    MetricFamily orders{"weir_bakery_orders_total", "Orders taken", MetricKind::counter};
    orders.add(7, {{"cake", "cheese \"light\"\n"}});
    orders.add(12'345'678'901'234);
    MetricFamily waiting{"weir_bakery_waiting", "Orders that wait"};
    waiting.add(0.5);

    CHECK(metrics_text({orders, waiting}) ==
          "# HELP weir_bakery_orders_total Orders taken\n"
          "# TYPE weir_bakery_orders_total counter\n"
          "weir_bakery_orders_total{cake=\"cheese \\\"light\\\"\\n\"} 7\n"
          "weir_bakery_orders_total 12345678901234\n"
          "# HELP weir_bakery_waiting Orders that wait\n"
          "# TYPE weir_bakery_waiting gauge\n"
          "weir_bakery_waiting 0.5\n");
}

TEST_CASE("a metric without values is left out") {
    CHECK(metrics_text({{"weir_empty", "Nothing"}}).empty());
}

TEST_CASE("the buckets of a histogram count all durations that were shorter") {
    Histogram times;
    times.record(500ns);
    times.record(5us);
    times.record(5us);
    times.record(100s);
    MetricFamily family{"weir_bakery_baking_seconds", "Time in the oven", MetricKind::histogram};
    family.add(times, {{"oven", "1"}});

    REQUIRE(family.samples.size() == 1);
    const MetricSample& sample = family.samples[0];
    CHECK(sample.count == 4);
    CHECK(sample.value == Approx(100.0000105));
    REQUIRE(sample.buckets.size() == 14);
    CHECK(sample.buckets[0].below == Approx(1.024e-6));
    CHECK(sample.buckets[0].count == 1);
    CHECK(sample.buckets[1].count == 1);
    CHECK(sample.buckets[2].count == 3);
    CHECK(sample.buckets.back().below == Approx(68.719476736));
    CHECK(sample.buckets.back().count == 3);
    CHECK(metrics_text({family}).find(
              "weir_bakery_baking_seconds_bucket{oven=\"1\",le=\"+Inf\"} 4\n") !=
          std::string::npos);
}
