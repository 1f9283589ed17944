#include "core/event/event_counts.h"

#include <map>
#include <memory>
#include <string>

#include <catch2/catch.hpp>

namespace weir {

namespace {

using Counts = std::map<std::string, std::uint64_t>;

Counts all(const EventCounts& counts) {
    Counts result;
    counts.for_each(
        [&](std::string_view name, std::uint64_t count) { result.emplace(name, count); });
    return result;
}

}  // namespace

TEST_CASE("events of types with equal names count together, others apart", "[event_counts]") {
    EventCounts counts;
    {
        const EventType base("counts_test.Base", nullptr, nullptr);
        const EventType derived("counts_test.Derived", &base, nullptr);
        const EventType copy("counts_test.Derived", &base, nullptr);
        ++counts.of(base);
        ++counts.of(derived);
        ++counts.of(copy);
        ++counts.of(derived);
    }
    // The types are gone, as those of a library that is unloaded.
    CHECK(all(counts) == Counts{{"counts_test.Base", 1}, {"counts_test.Derived", 3}});
    const EventType again("counts_test.Base", nullptr, nullptr);
    ++counts.of(again);
    CHECK(all(counts).at("counts_test.Base") == 2);
    CHECK(counts.others() == 0);
}

TEST_CASE("types beyond the most that are counted share one count", "[event_counts]") {
    EventCounts counts;
    const EventType first("counts_test.First", nullptr, nullptr);
    ++counts.of(first);
    for (std::size_t i = 1; i != EventCounts::most_types + 10; ++i) {
        ++counts.of(EventType("counts_test." + std::to_string(i), nullptr, nullptr));
    }
    ++counts.of(first);
    CHECK(all(counts).size() == EventCounts::most_types);
    CHECK(all(counts).at("counts_test.First") == 2);
    CHECK(counts.others() == 10);
}

}  // namespace weir
