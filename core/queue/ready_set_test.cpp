#include "core/queue/ready_set.h"

#include <random>
#include <set>

#include <catch2/catch.hpp>

namespace weir {

TEST_CASE("a ready set finds the smallest number, however many there may be", "[ready_set]") {
    for (const std::size_t capacity : {1U, 64U, 65U, 4096U, 4097U, 300'000U}) {
        ReadySet ready;
        ready.reserve(capacity);
        std::set<std::size_t> model;
        std::mt19937 random(static_cast<unsigned>(capacity));
        for (int step = 0; step != 5'000; ++step) {
            const std::size_t number = random() % capacity;
            if (random() % 2 == 0) {
                ready.insert(number);
                model.insert(number);
            } else {
                // Mostly one that is there: else the set would only grow.
                const auto near = model.lower_bound(number);
                ready.erase(near == model.end() ? number : *near);
                model.erase(near == model.end() ? number : *near);
            }
            REQUIRE(ready.empty() == model.empty());
            if (!model.empty()) {
                REQUIRE(ready.first() == *model.begin());
            }
            const std::size_t from = random() % (capacity + 1);
            const auto next = model.lower_bound(from);
            REQUIRE(ready.first(from) == (next == model.end() ? ReadySet::none : *next));
        }
        ready.clear();
        CHECK(ready.empty());
        CHECK(ready.first(0) == ReadySet::none);
    }
}

}  // namespace weir
