#include "core/event/type_cache.h"

#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace weir {

namespace {

std::vector<std::unique_ptr<EventType>> make_types(int count) {
    std::vector<std::unique_ptr<EventType>> types;
    for (int i = 0; i != count; ++i) {
        types.push_back(
            std::make_unique<EventType>("type_cache_test." + std::to_string(i), nullptr, nullptr));
    }
    return types;
}

}  // namespace

TEST_CASE("a type cache gives the value that was remembered last for a type, or none",
          "[type_cache]") {
    const auto types = make_types(2);
    TypeCache<int> cache;
    CHECK(cache.find(*types[0]) == nullptr);
    cache.remember(*types[0], 7);
    cache.remember(*types[1], 8);
    REQUIRE(cache.find(*types[0]) != nullptr);
    CHECK(*cache.find(*types[0]) == 7);
    cache.remember(*types[0], 9);
    CHECK(*cache.find(*types[0]) == 9);
    CHECK(*cache.find(*types[1]) == 8);
    cache.clear();
    CHECK(cache.find(*types[0]) == nullptr);
    CHECK(cache.find(*types[1]) == nullptr);
}

TEST_CASE("a type never gets the value of another that shares its slot", "[type_cache]") {
    const auto types = make_types(100);
    TypeCache<std::size_t> cache;
    for (std::size_t i = 0; i != types.size(); ++i) {
        cache.remember(*types[i], i);
    }
    std::size_t found = 0;
    for (std::size_t i = 0; i != types.size(); ++i) {
        if (const std::size_t* value = cache.find(*types[i])) {
            CHECK(*value == i);
            ++found;
        }
    }
    CHECK(found == 16);  // of those remembered last
}

}  // namespace weir
