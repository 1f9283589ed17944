#include "core/base/histogram.h"

#include <catch2/catch.hpp>

using namespace weir;
using namespace std::chrono_literals;

TEST_CASE("a histogram knows quantiles to within a quarter, whatever the scale") {
    for (const Duration scale : {Duration(1), Duration(1us), Duration(1ms), Duration(10min)}) {
        Histogram histogram;
        for (int i = 1; i <= 1000; ++i) {
            histogram.record(i * scale);
        }
        CHECK(histogram.count() == 1000);
        CHECK(histogram.longest() == 1000 * scale);
        CHECK(histogram.mean() == 1001 * scale / 2);
        CHECK(histogram.quantile(0.5) >= 500 * scale);
        CHECK(histogram.quantile(0.5) <= 625 * scale);
        CHECK(histogram.quantile(1) == 1000 * scale);
    }
}

TEST_CASE("every duration has a bucket") {
    Histogram histogram;
    CHECK(histogram.quantile(0.5) == 0ns);
    histogram.record(-1s);
    CHECK(histogram.quantile(1) == 0ns);
    histogram.record(Duration::max());
    CHECK(histogram.longest() == Duration::max());
    std::uint64_t counted = 0;
    histogram.for_each([&](Duration, std::uint64_t count) { counted += count; });
    CHECK(counted == 2);
    Histogram sum;
    sum.record(1s);
    sum.add(histogram);
    CHECK(sum.count() == 3);
}

TEST_CASE("a histogram knows exactly how many durations were below a power of two") {
    Histogram histogram;
    for (const Duration duration : {3ns, 4ns, 1023ns, 1024ns, 1025ns, 4096ns}) {
        histogram.record(duration);
    }
    CHECK(histogram.count_below(2) == 1);
    CHECK(histogram.count_below(10) == 3);
    CHECK(histogram.count_below(12) == 5);
    CHECK(histogram.count_below(13) == 6);
    CHECK(histogram.count_below(64) == 6);
}
