#include "core/history.h"

#include <deque>
#include <random>

#include <catch2/catch.hpp>

namespace weir {

TEST_CASE("A history gives back the oldest first, whatever it has grown to", "[history]") {
    History<int> history;
    std::deque<int> model;
    std::mt19937 random(1);
    for (int step = 0; step != 100'000; ++step) {
        // Grows in the first half, shrinks in the second.
        if (model.empty() || random() % 5 < (step < 50'000 ? 3U : 2U)) {
            history.push_back(step);
            model.push_back(step);
        } else {
            REQUIRE(history.pop_front() == model.front());
            model.pop_front();
        }
        REQUIRE(history.size() == model.size());
    }
    for (std::size_t i = 0; i != model.size(); ++i) {
        REQUIRE(history[i] == model[i]);
    }
}

TEST_CASE("What stands in a history can be changed", "[history]") {
    History<int> history;
    history.push_back(1);
    history.push_back(2);
    history[1] = 3;
    CHECK(history.pop_front() == 1);
    CHECK(history.pop_front() == 3);
    CHECK(history.size() == 0);
}

}  // namespace weir
