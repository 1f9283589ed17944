// When a round of the scheduler ends, so that it polls.
#include <cstdint>
#include <optional>
#include <stdexcept>

#include "core/run/scheduler.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

TEST_CASE("a scheduler may process a few events between two polls only", "[scheduler]") {
    const std::optional<std::size_t> limit = GENERATE(std::nullopt, std::optional<std::size_t>(4));
    World world({.process_events = limit});
    world.start([](World& w) -> Task<> {
        for (int i = 0; i != 20; ++i) {
            w.ping(i);
        }
        const std::uint64_t before = w.simulation.polls();
        co_await match<Ping>(19);
        w.count = static_cast<int>(w.simulation.polls() - before);
    });
    world.run();
    CHECK((limit ? world.count >= 4 : world.count == 0));
    Simulation simulation;
    CHECK_THROWS_AS(Scheduler(simulation, {.process_events = 0}), std::invalid_argument);
}

TEST_CASE("a routine that answers each event with another keeps nothing else waiting",
          "[scheduler]") {
    World world;
    world.start([](World& w) -> Task<> {
        for (w.count = 0; w.output.empty(); ++w.count) {
            w.ping(w.count);
            co_await match<Ping>(w.count);
        }
    });
    world.simulation.happen(0s, [&world] { world.output = "it happened"; });
    CHECK(world.run() == "it happened");
    CHECK(world.count <= 2000);
}

TEST_CASE("events that take long keep timers and input waiting for a few of them only",
          "[scheduler]") {
    World world;
    world.start([](World& w) -> Task<> {
        for (int i = 0; i != 320; ++i) {
            w.ping(i);
        }
        const std::uint64_t before = w.simulation.polls();
        for (int i = 0; i != 320; ++i) {
            co_await match<Ping>(i);
            w.simulation.pause(5ms);
        }
        w.count = static_cast<int>(w.simulation.polls() - before);
    });
    world.run();
    CHECK(world.count >= 9);
}
