#include "modules/system/server/wait_report.h"

#include <catch2/catch.hpp>

#include "core/run/container.h"
#include "core/wait/timeout.h"
#include "tests/support/world.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

Task<> wait_for_ping(int number) {
    const MatcherOf<test::Ping> ping = match<test::Ping>(number);
    co_await ping;
}

Task<> wait_for_job() {
    const MatcherOf<test::Job> job = match<test::Job>();
    co_await job;
}

}  // namespace

TEST_CASE("wait report: routines that wait at one line share a text, the most numerous first") {
    test::World world;
    world.start([](test::World& here) -> Task<> {
        here.container.start(wait_for_job(), {.name = "worker", .foreground = true});
        for (int number = 1; number <= 3; ++number) {
            here.container.start(wait_for_ping(number), {.name = "client", .foreground = true});
            co_await sleep(1s);
        }
        const std::vector<std::string> report = wait_report(here.scheduler);
        REQUIRE(report.size() == 3);
        CHECK_THAT(report[0], Catch::StartsWith("3 routines: 'client' started at "));
        CHECK_THAT(report[0], Catch::Contains("weir.test.Ping(1)") && Catch::EndsWith(", for 3 s"));
        CHECK_THAT(report[1] + report[2], Catch::Contains("1 routine: 'worker' started at "));
        const std::vector<std::string> shorter = wait_report(here.scheduler, {.most = 1});
        REQUIRE(shorter.size() == 2);
        CHECK(shorter[1] == "2 more routines");
        const std::vector<std::string> named =
            wait_report(here.scheduler, {.module_of = [](const Routine& routine) {
                            return routine.name() == "worker" ? "mill" : "";
                        }});
        CHECK_THAT(named[0], Catch::StartsWith("3 routines: 'client' started at "));
        CHECK_THAT(named[1] + named[2],
                   Catch::Contains("1 routine of 'mill': 'worker' started at "));
        CHECK(wait_report(here.scheduler, {.daemons = false}).size() == 3);
        here.container.start(wait_for_job(),
                             {.name = "daemon", .daemon = true, .foreground = true});
        CHECK(wait_report(here.scheduler, {.daemons = false}).size() == 3);
        here.container.close();
    });
    world.run();
}

}  // namespace weir
