#include "core/wait/rate_limiter.h"

#include <stdexcept>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "core/wait/do_events.h"
#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

using Uses = std::vector<std::uint64_t>;
// Callers that passed, and what they used.
using Rounds = std::vector<std::pair<int, std::uint64_t>>;

struct LimitedWorld : World {
    explicit LimitedWorld(std::uint64_t limit) : limiter(limit, container) {}
    RateLimiter limiter;
    int passed = 0;
    std::uint64_t used = 0;
    Rounds rounds;
};

Task<> use_one(LimitedWorld& world, std::uint64_t use) {
    co_await world.limiter.limit(use);
    ++world.passed;
    world.used += use;
}

Task<> start_uses(LimitedWorld& world, std::vector<Uses> uses) {
    for (const Uses& round : uses) {
        for (const std::uint64_t use : round) {
            world.container.start(use_one(world, use));
        }
        co_await do_events();
    }
}

Task<> record(LimitedWorld& world) {
    while (true) {
        co_await do_events();
        if (world.passed == 0) {
            break;
        }
        world.rounds.emplace_back(std::exchange(world.passed, 0), std::exchange(world.used, 0));
    }
}

Rounds rounds_of(std::uint64_t limit, std::vector<Uses> uses) {
    LimitedWorld world(limit);
    world.container.start(record(world));
    world.container.start(start_uses(world, std::move(uses)));
    world.run();
    return world.rounds;
}

Uses ones(std::size_t count) {
    return Uses(count, 1);
}

}  // namespace

TEST_CASE("each round admits as many callers as the limit", "[rate_limiter]") {
    CHECK(rounds_of(5, {ones(4)}) == Rounds{{4, 4}});
    CHECK(rounds_of(5, {ones(5)}) == Rounds{{5, 5}});
    CHECK(rounds_of(5, {ones(6)}) == Rounds{{5, 5}, {1, 1}});
    CHECK(rounds_of(5, {ones(9)}) == Rounds{{5, 5}, {4, 4}});
    CHECK(rounds_of(5, {ones(10)}) == Rounds{{5, 5}, {5, 5}});
    CHECK(rounds_of(5, {ones(11)}) == Rounds{{5, 5}, {5, 5}, {1, 1}});
    CHECK(rounds_of(1, {ones(10)}) == Rounds(10, {1, 1}));
}

TEST_CASE("unused capacity of a round is not saved for the next", "[rate_limiter]") {
    CHECK(rounds_of(5, {ones(4), ones(4), ones(4)}) == Rounds{{4, 4}, {4, 4}, {4, 4}});
    CHECK(rounds_of(5, {ones(4), ones(6), ones(5)}) == Rounds{{4, 4}, {5, 5}, {5, 5}, {1, 1}});
    CHECK(rounds_of(5, {ones(4), ones(6), ones(3), ones(5), ones(5)}) ==
          Rounds{{4, 4}, {5, 5}, {4, 4}, {5, 5}, {5, 5}});
    CHECK(rounds_of(5, {ones(6), ones(0), ones(5)}) == Rounds{{5, 5}, {1, 1}, {5, 5}});
    CHECK(rounds_of(5, {ones(6), ones(0), ones(6), ones(4), ones(4)}) ==
          Rounds{{5, 5}, {1, 1}, {5, 5}, {5, 5}, {4, 4}});
}

TEST_CASE("a caller that uses more than the rest passes, and later rounds admit less",
          "[rate_limiter]") {
    CHECK(rounds_of(5, {{4}}) == Rounds{{1, 4}});
    CHECK(rounds_of(5, {{5}}) == Rounds{{1, 5}});
    CHECK(rounds_of(5, {{6}}) == Rounds{{1, 6}});
    CHECK(rounds_of(5, {{3, 3}}) == Rounds{{2, 6}});
    CHECK(rounds_of(5, {{3, 3, 3}}) == Rounds{{2, 6}, {1, 3}});
    CHECK(rounds_of(5, {{1, 3, 1, 3}}) == Rounds{{3, 5}, {1, 3}});
    CHECK(rounds_of(5, {{3, 1, 3, 1}}) == Rounds{{3, 7}, {1, 1}});
    CHECK(rounds_of(5, {{3, 1, 3, 1, 3, 1, 3, 1, 3, 1}}) == Rounds{{3, 7}, {2, 4}, {2, 4}, {3, 5}});
    CHECK(rounds_of(5, {{3, 1}, {3, 1, 1, 3}, {3, 4, 1}}) ==
          Rounds{{2, 4}, {3, 5}, {2, 6}, {1, 4}, {1, 1}});
    CHECK(rounds_of(5, {Uses(10, 4)}) ==
          Rounds{{2, 8}, {1, 4}, {1, 4}, {1, 4}, {2, 8}, {1, 4}, {1, 4}, {1, 4}});
}

TEST_CASE("limit() returns whether the caller waited", "[rate_limiter]") {
    LimitedWorld world(1);
    CHECK(world.limiter.limit_per_round() == 1);
    for (int i = 0; i != 3; ++i) {
        world.container.start([](LimitedWorld& w) -> Task<> {
            const bool waited = co_await w.limiter.limit();
            w.output += waited ? "waited " : "at once ";
        }(world));
    }
    CHECK(world.run() == "at once waited waited ");
    CHECK_THROWS_AS(RateLimiter(0, world.container), std::invalid_argument);
}

TEST_CASE("a rate limiter works again after the scheduler quit", "[rate_limiter][quit]") {
    LimitedWorld world(2);
    world.start([](World& w) -> Task<> {
        co_await do_events();
        w.scheduler.quit();
    });
    for (int i = 0; i != 20; ++i) {
        world.container.start(use_one(world, 1));
    }
    world.run();
    CHECK(world.passed < 20);
    world.passed = 0;
    world.used = 0;
    world.container.start(record(world));
    world.container.start(start_uses(world, {ones(4)}));
    world.run();
    CHECK(world.rounds == Rounds{{2, 2}, {2, 2}});
}
