#include "evening.h"

#include <vector>

#include <catch2/catch.hpp>
#include <weir/core.h>

using namespace std::chrono_literals;

TEST_CASE("evenings are at the same time of the clock before and after daylight saving begins") {
    const std::chrono::sys_days friday = std::chrono::year(2026) / 3 / 27;
    weir::Simulation world;
    world.set_wall_clock(friday);
    weir::Scheduler scheduler(world, {.queue = weir::standard_root()});
    weir::add_standard_queues(scheduler.queue());
    weir::Container container(scheduler);
    std::vector<weir::WallTime> times;
    container.start(each_evening([&](weir::WallTime due) {
        times.push_back(due);
        if (times.size() == 2) {
            scheduler.quit();
        }
    }));
    scheduler.run();
    // In UTC: on Sunday the clock in Berlin was set forward.
    CHECK(times == std::vector<weir::WallTime>{friday + 17h, friday + 24h * 3 + 16h});
}
