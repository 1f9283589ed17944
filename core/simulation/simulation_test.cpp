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

TEST_CASE("simulated time jumps to the next scheduled call", "[simulation]") {
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
    CHECK_FALSE(simulation.poll(std::nullopt));  // nothing is scheduled
    CHECK(simulation.polls() == 4);
}

TEST_CASE("the seed decides the order of calls scheduled for the same time", "[simulation]") {
    CHECK(order_of_ten(1) == order_of_ten(1));
    CHECK(order_of_ten(1) != order_of_ten(2));
    Simulation first(7);
    Simulation second(7);
    CHECK(first.random() == second.random());
}

TEST_CASE("a scheduled call may schedule further calls", "[simulation]") {
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

TEST_CASE("a poll that was woken does not wait", "[simulation]") {
    Simulation simulation;
    simulation.wake();
    CHECK(simulation.poll(1h));
    CHECK(simulation.now().time_since_epoch() == 0s);
    CHECK(simulation.poll(1h));
    CHECK(simulation.now().time_since_epoch() == 1h);
}

TEST_CASE("fail_poll makes one poll return at once without result", "[simulation]") {
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

TEST_CASE("a scheduled call wakes a routine", "[simulation]") {
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

TEST_CASE("fail_bell makes one bell fail", "[simulation]") {
    Simulation simulation;
    simulation.fail_bell(2);
    std::string output;
    const auto first = simulation.make_bell([&] { output += "a"; });
    CHECK_THROWS_AS(simulation.make_bell([&] { output += "b"; }), std::system_error);
    const auto third = simulation.make_bell([&] { output += "c"; });
    third->ring();
    third->ring();  // both are answered in the same poll
    CHECK(simulation.poll(std::nullopt));
    CHECK(output == "c");
    CHECK_FALSE(simulation.poll(std::nullopt));
}
