#include "core/wait/token_bucket.h"

#include <limits>
#include <stdexcept>
#include <string>

#include <catch2/catch.hpp>

#include "core/program/standard_queues.h"
#include "core/run/container.h"
#include "core/simulation/simulation.h"
#include "core/wait/timeout.h"

namespace weir {

using namespace std::chrono_literals;

namespace {

struct World {
    World() { add_standard_queues(scheduler.queue()); }

    double seconds() {
        return std::chrono::duration<double>(scheduler.now().time_since_epoch()).count();
    }
    // Takes tokens, and notes its name and the time.
    Task<> take(TokenBucket& bucket, std::string name, std::uint64_t tokens) {
        co_await bucket.take(tokens);
        char time[32];
        std::snprintf(time, sizeof(time), "@%.3f ", seconds());
        story += name + time;
    }

    Simulation simulation;
    Scheduler scheduler{simulation, {.queue = standard_root()}};
    std::string story;
    Container container{scheduler};
};

}  // namespace

TEST_CASE("a token bucket lets a burst pass at once, and then so much per second") {
    World w;
    TokenBucket bucket(w.scheduler, 2, 3);
    for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
        w.container.start(w.take(bucket, name, 1));
    }
    w.scheduler.run();
    CHECK(w.story == "a@0.000 b@0.000 c@0.000 d@0.500 e@1.000 f@1.500 ");
    CHECK(bucket.waiting() == 0);
}

TEST_CASE("a token bucket fills up to its burst while nothing is taken") {
    World w;
    TokenBucket bucket(w.scheduler, 10, 3);
    const auto test = [&]() -> Task<> {
        CHECK(bucket.try_take(3));
        CHECK_FALSE(bucket.try_take());
        co_await sleep(100ms);
        CHECK(bucket.try_take());
        CHECK_FALSE(bucket.try_take());
        co_await sleep(1h);
        CHECK(bucket.tokens() == 3);
        CHECK(bucket.try_take(4));
        CHECK(bucket.tokens() == -1);
    };
    w.container.start(test());
    w.scheduler.run();
}

TEST_CASE("a large request passes in its turn, and those after it wait for what it took") {
    World w;
    TokenBucket bucket(w.scheduler, 1, 2);
    w.container.start(w.take(bucket, "first", 1));
    w.container.start(w.take(bucket, "large", 10));
    w.container.start(w.take(bucket, "small", 1));
    w.scheduler.run();
    // `large` passes with a full bucket, after 1 s, and leaves -8 tokens.
    CHECK(w.story == "first@0.000 large@1.000 small@10.000 ");
}

TEST_CASE("a caller that is closed has taken nothing, and the next one has its turn") {
    World w;
    TokenBucket bucket(w.scheduler, 1, 5);
    REQUIRE(bucket.try_take(5));
    const Ref<Routine> closed = w.container.start(w.take(bucket, "closed", 5));
    w.container.start(w.take(bucket, "next", 2));
    w.simulation.happen(1s, [&] {
        CHECK(bucket.waiting() == 2);
        closed->close();
        CHECK(bucket.waiting() == 1);
    });
    w.scheduler.run();
    CHECK(w.story == "next@2.000 ");
}

TEST_CASE("a token bucket gives nothing to later callers while one waits") {
    World w;
    TokenBucket bucket(w.scheduler, 1, 5);
    REQUIRE(bucket.try_take(4));
    w.container.start(w.take(bucket, "large", 3));
    w.simulation.happen(500ms, [&] { CHECK_FALSE(bucket.try_take()); });
    w.scheduler.run();
    CHECK(w.story == "large@2.000 ");
}

TEST_CASE("another rate counts for callers that wait, too") {
    World w;
    TokenBucket bucket(w.scheduler, 1, 10);
    REQUIRE(bucket.try_take(10));
    w.container.start(w.take(bucket, "a", 10));
    w.simulation.happen(1s, [&] { bucket.change(9, 10); });
    w.scheduler.run();
    CHECK(w.story == "a@2.000 ");
}

TEST_CASE("a rate that is none is refused") {
    World w;
    CHECK_THROWS_AS(TokenBucket(w.scheduler, 0, 1), std::invalid_argument);
    CHECK_THROWS_AS(TokenBucket(w.scheduler, 1, -1), std::invalid_argument);
    CHECK_THROWS_AS(TokenBucket(w.scheduler, std::numeric_limits<double>::infinity(), 1),
                    std::invalid_argument);
}

}  // namespace weir
