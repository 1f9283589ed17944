#include "apps/weir/patience.h"

#include <catch2/catch.hpp>

using weir::app::Patience;
using namespace std::chrono_literals;

namespace {

constexpr Patience::Clock::time_point start = Patience::Clock::time_point() + 100h;

// Asks the patience whenever it wants to be asked; returns the time at which it ends the wait.
Patience::Clock::time_point end_of(Patience& patience, Patience::Clock::time_point now) {
    while (!patience.look(now)) {
        now += patience.next_look();
    }
    return now;
}

}  // namespace

TEST_CASE("patience: a silent server has its limit, and not more") {
    Patience patience(10s);
    patience.begin(start, 10s);
    CHECK(end_of(patience, start) == start + 10s);
}

TEST_CASE("patience: the time in which this process stood still does not count") {
    for (const auto pause : {6s, 7s, 60s, 3600s}) {
        Patience patience(10s);
        patience.begin(start, 10s);
        CHECK_FALSE(patience.look(start + 1s));
        CHECK(end_of(patience, start + 1s + 7s + pause) == start + 1s + 7s + pause + 9s);
    }
}

TEST_CASE("patience: whenever a pause begins, the server has half the limit of waking time") {
    for (auto begin = 0ms; begin < 10s; begin += 250ms) {
        for (auto pause = 0ms; pause < 20s; pause += 250ms) {
            Patience patience(10s);
            patience.begin(start, 10s);
            auto awake = 0ms;
            auto now = start;
            bool paused = false;
            while (!patience.look(now)) {
                const auto step =
                    std::chrono::duration_cast<std::chrono::milliseconds>(patience.next_look());
                const bool pauses = !paused && begin < awake + step;
                // What is waited for comes when the process goes on, or a part of it is left.
                const auto asleep = pauses ? std::max(step, begin - awake + pause) : step;
                awake += pauses ? std::max(asleep - pause, 0ms) : step;
                now += asleep;
                paused = paused || pauses;
            }
            CHECK(awake >= 5s);
        }
    }
}

TEST_CASE("patience: a machine on which all comes a bit late extends no limit") {
    Patience patience(10s);
    patience.begin(start, 10s);
    auto now = start;
    int looks = 0;
    while (!patience.look(now)) {
        now += patience.next_look() + 1s;
        REQUIRE(++looks < 10);
    }
    CHECK(now <= start + 12s);
}

TEST_CASE("patience: a server that shows that it lives gets more time") {
    Patience patience(10s);
    patience.begin(start, 10s);
    patience.add(3s);
    CHECK(end_of(patience, start) == start + 13s);
}
