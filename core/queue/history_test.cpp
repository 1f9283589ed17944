#include "core/queue/history.h"

#include <deque>
#include <random>

#include <catch2/catch.hpp>

namespace weir {

TEST_CASE("a history gives back the oldest first, whatever it has grown to", "[history]") {
    History<int> history;
    std::deque<int> model;
    std::mt19937 random(1);
    for (int step = 0; step != 100'000; ++step) {
        // Grows in the first half, shrinks in the second; neighbours are often equal.
        if (model.empty() || random() % 5 < (step < 50'000 ? 3U : 2U)) {
            const int value = static_cast<int>(random() % 3);
            history.push_back(value);
            model.push_back(value);
        } else {
            REQUIRE(history.pop_front() == model.front());
            model.pop_front();
        }
        REQUIRE(history.size() == model.size());
    }
    while (!model.empty()) {
        REQUIRE(history.pop_front() == model.front());
        model.pop_front();
    }
    CHECK(history.size() == 0);
}

TEST_CASE("a value is replaced wherever it stands in a history", "[history]") {
    History<int> history;
    for (const int value : {1, 2, 2, 1, 3}) {
        history.push_back(value);
    }
    history.replace(2, 1);
    for (const int value : {1, 1, 1, 1, 3}) {
        CHECK(history.pop_front() == value);
    }
    CHECK(history.size() == 0);
}

}  // namespace weir
