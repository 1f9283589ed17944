#include "core/calendar/calendar_timer.h"

#include <chrono>
#include <string>

#include <catch2/catch.hpp>

#include "core/run/uv_poller.h"
#include "core/wait/timeout.h"
#include "tests/support/world.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;
using std::chrono::year;

WallTime day(int of_march) {
    return sys_days(year(2026) / 3 / of_march);
}

// The clock of the simulation begins on March 28.
struct Office : test::World {
    Office() { simulation.set_wall_clock(day(28)); }

    WallTime clock() { return wall_time(simulation); }
    void note(WallTime due) {
        output += text(due);
        if (clock() != due) {
            output += " at " + text(clock());
        }
        output += ';';
    }
    // "28 02:30"
    static std::string text(WallTime time) {
        const auto days = std::chrono::floor<std::chrono::days>(time);
        const auto minutes = std::chrono::floor<std::chrono::minutes>(time - days).count();
        const auto two = [](auto number) {
            return (number < 10 ? "0" : "") + std::to_string(number);
        };
        const unsigned date = unsigned(std::chrono::year_month_day(days).day());
        return two(date) + ' ' + two(minutes / 60) + ':' + two(minutes % 60);
    }
};

Task<> note_times(Office& office, Schedule schedule, int count) {
    CalendarTimer timer(office.scheduler, schedule);
    for (int i = 0; i != count; ++i) {
        const std::optional<WallTime> due = co_await timer.next();
        if (!due) {
            office.output += "no more";
            co_return;
        }
        office.note(*due);
    }
}

}  // namespace

TEST_CASE("a routine sleeps until a time of the clock") {
    Office office;
    office.start([](test::World& world) -> Task<> {
        auto& here = static_cast<Office&>(world);
        co_await sleep_until(day(29) + 90s);
        here.note(day(29) + 90s);
        co_await sleep_until(day(1));  // has passed
        here.note(day(29) + 90s);
    });
    CHECK(office.run() == "29 00:01;29 00:01;");
}

TEST_CASE("a calendar timer waits for one time after the other") {
    Office office;
    office.container.start(note_times(office, Schedule::cron("30 2 * * *", "Europe/Berlin"), 3));
    // In UTC; on the 29th this time is skipped, and comes at three o'clock of the summer.
    CHECK(office.run() == "28 01:30;29 01:00;30 00:30;");
    office.container.start(note_times(office, Schedule::at(day(31)), 2));
    CHECK(office.run() == "31 00:00;no more");
}

TEST_CASE("times that pass while no routine waits come as one") {
    Office office;
    office.start([](test::World& world) -> Task<> {
        auto& here = static_cast<Office&>(world);
        CalendarTimer timer(world.scheduler, Schedule::every(15min));
        co_await sleep(50min);
        here.note((co_await timer.next()).value());
        here.note((co_await timer.next()).value());
    });
    CHECK(office.run() == "28 00:15 at 28 00:50;28 01:00;");
}

TEST_CASE("a clock that is set forward lets a time come at once, and several as one") {
    Office office;
    office.container.start(note_times(office, Schedule::cron("0 * * * *"), 3));
    office.simulation.happen(70min,
                             [&] { office.simulation.set_wall_clock(day(29) + 10h + 5min); });
    CHECK(office.run() == "28 01:00;28 02:00 at 29 10:05;29 11:00;");
}

TEST_CASE("a clock that is set back a little brings no time again") {
    Office office;
    office.container.start(note_times(office, Schedule::cron("0 * * * *"), 3));
    office.simulation.happen(130min, [&] { office.simulation.set_wall_clock(day(28) + 30min); });
    CHECK(office.run() == "28 01:00;28 02:00;28 03:00;");
    CHECK(office.time() == 130min + 150min);
}

TEST_CASE("a clock that was wrong and is corrected by days starts the schedule anew") {
    Office office;
    office.container.start(note_times(office, Schedule::cron("0 * * * *"), 3));
    office.simulation.happen(130min, [&] { office.simulation.set_wall_clock(day(20) + 30min); });
    CHECK(office.run() == "28 01:00;28 02:00;20 01:00;");
}

TEST_CASE("a clock that is set back lets a single time wait for longer") {
    Office office;
    office.start([](test::World& world) -> Task<> {
        co_await sleep_until(day(28) + 2h);
        static_cast<Office&>(world).note(day(28) + 2h);
    });
    office.simulation.happen(1h, [&] { office.simulation.set_wall_clock(day(28)); });
    CHECK(office.run() == "28 02:00;");
    CHECK(office.time() == 3h);
}

TEST_CASE("closing a routine that waits for a time leaves nothing") {
    Office office;
    const Ref<Routine> routine =
        office.container.start(note_times(office, Schedule::every(1h), 1), {.foreground = true});
    routine->close();
    CHECK(office.run().empty());
    office.simulation.set_wall_clock(day(1));
    CHECK(office.run().empty());
}

TEST_CASE("on libuv a calendar timer is never early") {
    test::WorldOn<UvPoller> world;
    const auto work = [](Scheduler& scheduler, bool& early) -> Task<> {
        CalendarTimer timer(scheduler, Schedule::every(20ms));
        for (int i = 0; i != 3; ++i) {
            const std::optional<WallTime> due = co_await timer.next();
            early = early || wall_time(scheduler.poller()) < due.value();
        }
    };
    bool early = false;
    world.container.start(work(world.scheduler, early));
    world.scheduler.run();
    CHECK_FALSE(early);
}

}  // namespace weir
