#include "modules/system/rights/login_limiter.h"

#include <catch2/catch.hpp>

using namespace weir;
using namespace std::chrono_literals;

namespace {

constexpr Time start = Time() + 100h;

}  // namespace

TEST_CASE("a person who mistypes a few times waits for nothing") {
    LoginLimiter limiter;
    for (int i = 0; i != 5; ++i) {
        CHECK(limiter.take("a", start) == Duration());
    }
    CHECK(limiter.take("a", start) == LoginLimiter::interval);
}

TEST_CASE("guesses get one turn in each interval, and those that would wait long are refused") {
    LoginLimiter limiter;
    int accepted = 0;
    for (int second = 0; second != 600; ++second) {
        for (int connection = 0; connection != 100; ++connection) {
            accepted += limiter.take("a", start + second * 1s) ? 1 : 0;
        }
    }
    // 5 at once, one for each 5 seconds, and those that still wait.
    CHECK(accepted == 5 + 599 / 5 + 4);
}

TEST_CASE("a refused attempt takes nothing from those after it") {
    LoginLimiter limiter;
    while (limiter.take("a", start)) {
    }
    const auto soonest = limiter.take("a", start + LoginLimiter::interval);
    CHECK(soonest == LoginLimiter::longest_wait);
}

TEST_CASE("right passwords cost no attempts") {
    LoginLimiter limiter;
    for (int i = 0; i != 100; ++i) {
        CHECK(limiter.take("a", start) == Duration());
        limiter.give_back("a", start);
    }
}

TEST_CASE("sources do not slow each other down") {
    LoginLimiter limiter;
    while (limiter.take("a", start)) {
    }
    CHECK(limiter.take("b", start) == Duration());
}

TEST_CASE(
    "any number of sources takes bounded memory, and those that are remembered stay limited") {
    LoginLimiter limiter;
    while (limiter.take("attacker", start)) {
    }
    for (std::size_t i = 0; i != 2 * LoginLimiter::most_sources; ++i) {
        static_cast<void>(limiter.take(std::to_string(i), start));
    }
    CHECK(limiter.sources() == LoginLimiter::most_sources);
    CHECK_FALSE(limiter.take("attacker", start));
    CHECK_FALSE(limiter.take("yet another", start));
    // Long afterwards all is forgotten.
    CHECK(limiter.take("yet another", start + 1h) == Duration());
    CHECK(limiter.sources() == 1);
}
