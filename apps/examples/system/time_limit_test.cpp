#include "time_limit.h"

#include <catch2/catch.hpp>
#include <weir/core.h>

using namespace std::chrono_literals;

static weir::ProcessExit end_within(weir::Duration limit, weir::ProcessOptions options) {
    weir::UvPoller world;
    weir::Scheduler scheduler(world, {.queue = weir::standard_root()});
    weir::add_standard_queues(scheduler.queue());
    weir::Container container(scheduler);
    const weir::RoutineFuture<weir::ProcessExit> exit(container,
                                                      run_within(limit, std::move(options)));
    scheduler.run();
    return exit.result();
}

TEST_CASE("a program is stopped when its time is over") {
    CHECK(end_within(1h, {.command = {"sh", "-c", "exit 3"}}).code == 3);
    CHECK(end_within(10ms, {.command = {"sleep", "1000"}}).text() ==
          "was ended by signal 15 (Terminated)");
}
