#include "core/simulation/simulation.h"

#include <system_error>

#include <catch2/catch.hpp>

#include "core/wait/do_events.h"
#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

std::string order_of_ten(std::uint64_t seed) {
    Simulation simulation(seed);
    std::string order;
    for (char letter = 'a'; letter != 'k'; ++letter) {
        simulation.happen(1s, [&order, letter] { order += letter; });
    }
    CHECK(simulation.poll(std::nullopt));
    return order;
}

}  // namespace

TEST_CASE("simulated time goes to what happens next, at once", "[simulation]") {
    Simulation simulation;
    std::string output;
    simulation.happen(24h, [&] { output += "b"; });
    simulation.happen(1s, [&] { output += "a"; });
    CHECK(simulation.poll(500ms));
    CHECK(simulation.now().time_since_epoch() == 500ms);
    CHECK(output.empty());
    CHECK(simulation.poll(1h));
    CHECK(output == "a");
    CHECK(simulation.now().time_since_epoch() == 1s);
    CHECK(simulation.poll(std::nullopt));
    CHECK(output == "ab");
    CHECK(simulation.now().time_since_epoch() == 24h);
    CHECK_FALSE(simulation.poll(std::nullopt));  // nothing can happen any more
    CHECK(simulation.polls() == 4);
}

TEST_CASE("what happens at one time comes in an order that the seed decides", "[simulation]") {
    CHECK(order_of_ten(1) == order_of_ten(1));
    CHECK(order_of_ten(1) != order_of_ten(2));
    Simulation first(7);
    Simulation second(7);
    CHECK(first.random() == second.random());
}

TEST_CASE("what happens may make more happen", "[simulation]") {
    Simulation simulation;
    std::string output;
    simulation.happen(1s, [&] {
        output += "a";
        simulation.happen(0s, [&] { output += "b"; });
        simulation.happen(1s, [&] { output += "c"; });
    });
    CHECK(simulation.poll(std::nullopt));
    CHECK(output == "ab");
    CHECK(simulation.poll(std::nullopt));
    CHECK(output == "abc");
    CHECK(simulation.now().time_since_epoch() == 2s);
}

TEST_CASE("a poll that is woken does not wait", "[simulation]") {
    Simulation simulation;
    simulation.wake();
    CHECK(simulation.poll(1h));
    CHECK(simulation.now().time_since_epoch() == 0s);
    CHECK(simulation.poll(1h));
    CHECK(simulation.now().time_since_epoch() == 1h);
}

TEST_CASE("a poll may be made to fail: it brings nothing and is over at once", "[simulation]") {
    World world;
    world.simulation.happen(1s, [&world] { world.ping(); });
    world.simulation.fail_poll(1);
    world.start([](World& w) -> Task<> {
        const auto matched = co_await wait_with_timeout(2s, match<Ping>().make());
        CHECK(matched.has_value());
        CHECK(w.time() == 1s);
        w.output += "pinged all the same";
    });
    CHECK(world.run() == "pinged all the same");
}

TEST_CASE("what happens outside wakes routines", "[simulation]") {
    World world;
    world.simulation.happen(5s, [&world] {
        world.start([](World& w) -> Task<> {
            w.output += "started outside";
            co_await do_events();
        });
    });
    world.start([](World&) -> Task<> { co_await sleep(6s); });
    CHECK(world.run() == "started outside");
}

TEST_CASE("a way in from other threads may not be had, once", "[simulation]") {
    Simulation simulation;
    simulation.fail_bell(2);
    std::string output;
    const auto first = simulation.make_bell([&] { output += "a"; });
    CHECK_THROWS_AS(simulation.make_bell([&] { output += "b"; }), std::system_error);
    const auto third = simulation.make_bell([&] { output += "c"; });
    third->ring();
    third->ring();  // both are answered at once
    CHECK(simulation.poll(std::nullopt));
    CHECK(output == "c");
    CHECK_FALSE(simulation.poll(std::nullopt));
}
