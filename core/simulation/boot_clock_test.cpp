#include "core/simulation/boot_clock.h"

#include <chrono>

#include <catch2/catch.hpp>

#include "core/run/uv_poller.h"
#include "core/simulation/simulation.h"

using namespace weir;
using namespace std::chrono_literals;

TEST_CASE("in a suspended machine the clock of the timers stands still, that of the boot goes on") {
    Simulation simulation;
    const BootTime before = boot_time(simulation);
    simulation.pause(2s);
    CHECK(boot_time(simulation) == before + 2s);
    const Time now = simulation.now();
    const auto wall = simulation.wall_clock();
    simulation.suspend(1h);
    CHECK(simulation.now() == now);
    CHECK(boot_time(simulation) == before + 1h + 2s);
    CHECK(simulation.wall_clock() == wall + 1h);
    simulation.set_wall_clock({});
    CHECK(boot_time(simulation) == before + 1h + 2s);
}

TEST_CASE("the boot clock of the machine goes on") {
    UvPoller poller;
    const BootTime before = boot_time(poller);
    CHECK(before > BootTime());
    CHECK(boot_time(poller) >= before);
}
