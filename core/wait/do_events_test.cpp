#include "core/wait/do_events.h"

#include <catch2/catch.hpp>

#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

TEST_CASE("routines that yield take turns", "[do_events]") {
    World world;
    for (const char name : {'a', 'b', 'c'}) {
        world.begin(
            +[](World& w, char letter) -> Task<> {
                for (int i = 0; i != 3; ++i) {
                    w.output += letter;
                    co_await do_events();
                }
            },
            {}, name);
    }
    CHECK(world.run() == "abcabcabc");
}

TEST_CASE("yielding lets every ready routine run and the scheduler poll", "[do_events]") {
    World world;
    world.simulation.happen(0s, [&world] { world.output += "polled "; });
    world.start([](World& w) -> Task<> {
        co_await match<Ping>();
        w.output += "pinged ";
    });
    world.start([](World& w) -> Task<> {
        w.ping();
        co_await do_events();
        w.output += "goes on";
    });
    CHECK(world.run() == "pinged polled goes on");
    CHECK(world.time() == 0s);
}

TEST_CASE("a routine that yields in a loop delays no other routine and no timer", "[do_events]") {
    World world;
    world.start(
        [](World&) -> Task<> {
            while (true) {
                co_await do_events();
            }
        },
        {.daemon = true});
    world.simulation.happen(0s, [] {});
    world.start([](World& w) -> Task<> {
        co_await sleep(0s);
        w.output += "slept ";
        w.ping();
        co_await match<Ping>();
        w.output += "pinged";
    });
    CHECK(world.run() == "slept pinged");
}

TEST_CASE("a yield describes itself", "[do_events]") {
    World world;
    world.other = world.start_now([](World&) -> Task<> { co_await do_events(); });
    CHECK(world.other->wait()->describe() == "the next round");
}
