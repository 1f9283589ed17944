#include "thermometer.h"

#include <thread>

#include <catch2/catch.hpp>
#include <weir/core.h>

using namespace std::chrono_literals;

static weir::Task<> watch(std::string room, double& degrees) {
    const weir::MatcherOf<Measured> here = weir::match<Measured>(room);
    const weir::Ref<Measured> measured = co_await here;
    degrees = measured->degrees;
}

TEST_CASE("extend 03: in a simulation, what comes from outside happens at its time") {
    weir::Simulation world;
    weir::Scheduler scheduler(world, {.queue = weir::standard_root()});
    weir::add_standard_queues(scheduler.queue());
    Thermometer thermometer(scheduler);
    world.happen(5min, [&] { thermometer.measured("cellar", 12); });
    world.happen(9min, [&] { thermometer.measured("kitchen", 21); });
    double degrees = 0;
    weir::Container container(scheduler);
    container.start(watch("kitchen", degrees));
    scheduler.run();
    CHECK(degrees == 21);
    CHECK(scheduler.now().time_since_epoch() == 9min);
}

TEST_CASE("extend 03: a thread's measurement is an event") {
    weir::UvPoller world;
    weir::Scheduler scheduler(world, {.queue = weir::standard_root()});
    weir::add_standard_queues(scheduler.queue());
    Thermometer thermometer(scheduler);
    double degrees = 0;
    weir::Container container(scheduler);
    container.start(watch("kitchen", degrees));
    std::thread driver([&] { thermometer.measured("kitchen", 21); });
    scheduler.run();
    driver.join();
    CHECK(degrees == 21);
}
