#include "core/run/late_timers.h"

#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

// Waits for a renewal for 1 s, as a lease does.
Task<> expect_renewal(World& world) {
    const auto renewed = co_await wait_with_timeout(1s, match<Ping>(0).make());
    world.output += renewed ? "renewed" : "expired";
}

}  // namespace

TEST_CASE("after a pause, input that arrived in it is processed before timers that came due in it",
          "[timer]") {
    World world;
    world.start(expect_renewal);
    SECTION("when the pause interrupts a poll") {
        world.simulation.happen(500ms, [&world] { world.simulation.pause(3s); });
        world.simulation.happen(2s, [&world] { world.ping(0); });
    }
    SECTION("when a routine computes") {
        world.simulation.happen(2s, [&world] { world.ping(0); });
        world.start([](World& w) -> Task<> {
            co_await sleep(500ms);
            w.simulation.pause(3s);
        });
        world.expected_log = {
            "a round took 3.000000 s: a routine computes for long without waiting, or "
            "process_events is too large"};
    }
    SECTION("when it takes several polls to read, as of a connection that must be accepted first") {
        world.simulation.happen(500ms, [&world] { world.simulation.pause(3s); });
        world.simulation.happen(2s, [&world] { world.ping(3); });
        world.start([](World& w) -> Task<> {
            for (int steps = 3; steps != 0; --steps) {
                co_await match<Ping>(steps);
                w.simulation.happen(0s, [&w, steps] { w.ping(steps - 1); });
            }
        });
    }
    SECTION("when few events are processed between two polls") {
        World slow({.process_events = 2});
        slow.start(expect_renewal);
        slow.simulation.happen(500ms, [&slow] { slow.simulation.pause(3s); });
        slow.simulation.happen(1s, [&slow] {
            for (int n = 5; n >= 0; --n) slow.ping(n);
        });
        CHECK(slow.run() == "renewed");
        world.ping(0);
    }
    CHECK(world.run() == "renewed");
}

TEST_CASE("timers that are late fire when the input has been read, and not only when it ends",
          "[timer]") {
    World world;
    world.start(expect_renewal);
    SECTION("without input they fire after one more poll") {
        world.simulation.happen(500ms, [&world] { world.simulation.pause(3s); });
    }
    SECTION("input without end delays them by a number of polls") {
        world.simulation.happen(500ms, [&world] {
            world.ping(1);
            world.simulation.pause(3s);
        });
        world.start(
            [](World& w) -> Task<> {
                const auto flood = match<Ping>(1).make();
                for (;; ++w.count) {
                    co_await flood;
                    w.simulation.happen(0s, [&w] { w.ping(1); });
                }
            },
            {.daemon = true});
    }
    CHECK(world.run() == "expired");
    CHECK(world.count <= static_cast<int>(LateTimers::most_passes) + 1);
    CHECK(world.time() == 3500ms);
}

TEST_CASE("a timer that is not late does not wait for input", "[timer]") {
    World world;
    world.start(expect_renewal);
    world.simulation.happen(1s,
                            [&world] { world.simulation.happen(0s, [&world] { world.ping(0); }); });
    CHECK(world.run() == "expired");  // the queue of timers goes before others
    CHECK(world.time() == 1s);
}
