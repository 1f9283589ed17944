// Allocations fail while times come. The module is linked in: the kit finds nlohmann::json, which
// cannot survive a failure, by names that a plugin does not show.

#include <array>
#include <chrono>
#include <new>

#include <catch2/catch.hpp>

#include "core/run/event_handler.h"
#include "core/wait/timeout.h"
#include "modules/schedule/module_class.h"
#include "modules/testing/allocations.h"
#include "modules/testing/simulated_server.h"

namespace weir::scheduling {

namespace {

using namespace std::chrono_literals;

Task<> let_times_come(SimulatedServer& world, AllocationFailure& failure, int& count) {
    const std::array<IndexValue, 1> path{IndexValue("schedule.Due")};
    EventHandler handler(world.scheduler());
    handler.handle(Matcher(path), [&count](const Ref<Event>&) { ++count; });
    co_await sleep(30s);
    const Time end = world.scheduler().now() + 2min;
    failure.arm();
    try {
        co_await sleep(2min);
    } catch (const std::bad_alloc&) {
        // It was the test's own.
    }
    failure.disarm();
    co_await sleep(end + 1min - world.scheduler().now());
}

}  // namespace

TEST_CASE("a time for which there is no memory comes later, and none is lost") {
    fail_each_allocation([](AllocationFailure& failure) {
        SimulatedServer world(
            R"({"server": {"startup": ["schedule"]},
                "module": {"schedule": {"schedules": {"minutes": {"every": "1m"}}}}})",
            Registry().add(schedule_class()));
        int count = 0;
        world.run(let_times_come(world, failure, count));
        const AllocationPause pause;
        INFO(failure.where());
        INFO(world.log());
        CHECK(count == 3);
    });
}

}  // namespace weir::scheduling
