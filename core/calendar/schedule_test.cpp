#include "core/calendar/schedule.h"

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <cctz/civil_time.h>
#include <cctz/time_zone.h>

#include "core/calendar/cron_expression.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

cctz::time_zone zone_of(const std::string& name) {
    cctz::time_zone zone;
    REQUIRE(cctz::load_time_zone(name, &zone));
    return zone;
}

// "2026-03-29 02:30" as UTC.
WallTime utc(const std::string& text) {
    std::chrono::sys_seconds time;
    REQUIRE(cctz::parse("%Y-%m-%d %H:%M", text, cctz::utc_time_zone(), &time));
    return time;
}

std::string in_zone(std::optional<WallTime> time, const std::string& zone) {
    return time ? cctz::format("%a %Y-%m-%d %H:%M %Ez",
                               std::chrono::floor<std::chrono::seconds>(*time), zone_of(zone))
                : "never";
}

// The next times of a cron expression, in its zone.
std::vector<std::string> times(const std::string& expression, const std::string& zone,
                               const std::string& after_utc, int count) {
    const Schedule schedule = Schedule::cron(expression, zone);
    std::vector<std::string> found;
    WallTime time = utc(after_utc);
    for (int i = 0; i != count; ++i) {
        time = schedule.next(time).value();
        found.push_back(in_zone(time, zone));
    }
    return found;
}

using Times = std::vector<std::string>;

// All times of an expression in some days, found by looking at every minute.
std::vector<WallTime> by_every_minute(const std::string& text, const std::string& zone_name,
                                      WallTime begin, WallTime end) {
    const CronExpression expression(text);
    const cctz::time_zone zone = zone_of(zone_name);
    const auto matches = [&](const cctz::civil_minute& clock) {
        const cctz::civil_day day(clock);
        return expression.minutes[static_cast<std::size_t>(clock.minute())] &&
               expression.hours[static_cast<std::size_t>(clock.hour())] &&
               expression.has_day(day.month(), day.day(),
                                  (static_cast<int>(cctz::get_weekday(day)) + 1) % 7);
    };
    const auto clock_at = [&](WallTime time) {
        return cctz::civil_minute(zone.lookup(std::chrono::floor<std::chrono::seconds>(time)).cs);
    };
    std::vector<WallTime> found;
    // Far enough back to know the clock's times before a repeated hour.
    cctz::civil_minute latest = clock_at(begin - 24h);
    for (WallTime time = begin - 24h; time < end; time += 1min) {
        const cctz::civil_minute clock = clock_at(time);
        bool due = false;
        if (expression.any_hour) {
            due = matches(clock);
        } else {
            while (latest < clock) {  // also those that are skipped
                due = matches(++latest) || due;
            }
        }
        if (due && time > begin) {
            found.push_back(time);
        }
    }
    return found;
}

}  // namespace

TEST_CASE("a cron expression has its times in its zone") {
    CHECK(times("30 2 * * mon-fri", "Europe/Berlin", "2026-01-02 12:00", 3) ==
          Times{"Mon 2026-01-05 02:30 +01:00", "Tue 2026-01-06 02:30 +01:00",
                "Wed 2026-01-07 02:30 +01:00"});
    CHECK(times("*/20 9-10 * * *", "UTC", "2026-01-02 09:20", 5) ==
          Times{"Fri 2026-01-02 09:40 +00:00", "Fri 2026-01-02 10:00 +00:00",
                "Fri 2026-01-02 10:20 +00:00", "Fri 2026-01-02 10:40 +00:00",
                "Sat 2026-01-03 09:00 +00:00"});
    CHECK(times("0 0 29 2 *", "UTC", "2096-03-01 00:00", 1) ==
          Times{"Fri 2104-02-29 00:00 +00:00"});
    CHECK(times("0 0 13 * fri", "UTC", "2026-02-07 00:00", 3) ==
          Times{"Fri 2026-02-13 00:00 +00:00", "Fri 2026-02-20 00:00 +00:00",
                "Fri 2026-02-27 00:00 +00:00"});
    CHECK(times("0 12 1,15 JAN 7", "UTC", "2025-12-31 00:00", 2) ==
          Times{"Thu 2026-01-01 12:00 +00:00", "Sun 2026-01-04 12:00 +00:00"});
    CHECK(times("@weekly", "UTC", "2026-01-01 00:00", 1) == Times{"Sun 2026-01-04 00:00 +00:00"});
    CHECK(times("@hourly", "Asia/Kolkata", "2026-01-01 00:00", 1) ==
          Times{"Thu 2026-01-01 06:00 +05:30"});
}

TEST_CASE("times that the clock skips come together when it has skipped them") {
    CHECK(times("0,30 2 * * *", "Europe/Berlin", "2026-03-28 12:00", 3) ==
          Times{"Sun 2026-03-29 03:00 +02:00", "Mon 2026-03-30 02:00 +02:00",
                "Mon 2026-03-30 02:30 +02:00"});
    // At midnight, so that the day begins at one.
    CHECK(times("0 0 * * *", "America/Sao_Paulo", "2018-11-03 12:00", 2) ==
          Times{"Sun 2018-11-04 01:00 -02:00", "Mon 2018-11-05 00:00 -02:00"});
}

TEST_CASE("times that the clock repeats come the first time only") {
    CHECK(times("30 2 * * *", "Europe/Berlin", "2026-10-24 12:00", 2) ==
          Times{"Sun 2026-10-25 02:30 +02:00", "Mon 2026-10-26 02:30 +01:00"});
    // Half an hour only.
    CHECK(times("45 1 * * *", "Australia/Lord_Howe", "2026-04-04 00:00", 2) ==
          Times{"Sun 2026-04-05 01:45 +11:00", "Mon 2026-04-06 01:45 +10:30"});
}

TEST_CASE("times of every hour follow the hours that pass") {
    CHECK(times("30 * * * *", "Europe/Berlin", "2026-03-29 00:00", 2) ==
          Times{"Sun 2026-03-29 01:30 +01:00", "Sun 2026-03-29 03:30 +02:00"});
    CHECK(times("30 * * * *", "Europe/Berlin", "2026-10-25 00:00", 3) ==
          Times{"Sun 2026-10-25 02:30 +02:00", "Sun 2026-10-25 02:30 +01:00",
                "Sun 2026-10-25 03:30 +01:00"});
}

TEST_CASE("daylight saving goes on in later decades") {
    CHECK(times("0 12 1 1,7 *", "Europe/Berlin", "2079-12-01 00:00", 2) ==
          Times{"Mon 2080-01-01 12:00 +01:00", "Mon 2080-07-01 12:00 +02:00"});
}

TEST_CASE("at random: the times of a cron expression are those that every minute's look finds") {
    std::mt19937 random(1);
    const auto one_of = [&](const std::vector<std::string>& texts) {
        return texts[random() % texts.size()];
    };
    for (int i = 0; i != 60; ++i) {
        const std::string expression = one_of({"0", "*/7", "15,45", "0-10/5", "*"}) + ' ' +
                                       one_of({"*", "*", "1-3", "0", "*/2", "2", "23"}) + ' ' +
                                       one_of({"*", "*", "4-6", "28-31"}) + ' ' +
                                       one_of({"*", "*", "3-11"}) + ' ' +
                                       one_of({"*", "*", "sun", "1-5"});
        const std::string zone = one_of({"Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                                         "America/Sao_Paulo", "Pacific/Apia", "Africa/Cairo"});
        const WallTime begin =
            utc(one_of({"2018-11-02 00:00", "2026-03-27 12:00", "2026-10-23 13:00",
                        "2026-04-03 09:00", "2011-12-28 00:00", "2024-04-24 00:00"})) +
            std::chrono::minutes(random() % 600);
        const WallTime end = begin + 24h * 6;
        INFO(expression << " in " << zone << " from " << in_zone(begin, zone));
        const Schedule schedule = Schedule::cron(expression, zone);
        std::vector<WallTime> found;
        for (auto time = schedule.next(begin); time && *time < end; time = schedule.next(*time)) {
            found.push_back(*time);
        }
        CHECK(found == by_every_minute(expression, zone, begin, end));
    }
}

TEST_CASE("a wrong cron expression is an error that says what is wrong") {
    const auto error = [](const std::string& expression) -> std::string {
        try {
            Schedule::cron(expression);
            return "none";
        } catch (const ScheduleError& wrong) {
            return wrong.what();
        }
    };
    CHECK(error("61 * * * *") == "cron expression '61 * * * *': minute: 61 is not in 0-59");
    CHECK(error("* * 0 * *") == "cron expression '* * 0 * *': day of month: 0 is not in 1-31");
    CHECK(error("* 5-2 * * *") ==
          "cron expression '* 5-2 * * *': hour: the range 5-2 ends before it begins");
    CHECK(error("*/0 * * * *") == "cron expression '*/0 * * * *': minute: a step of 0");
    CHECK(error("5/2 * * * *") == "cron expression '5/2 * * * *': minute: steps need a range: 5/2");
    CHECK(error("* * * juni *") == "cron expression '* * * juni *': month: 'juni' is no number");
    CHECK(error("1,, * * * *") == "cron expression '1,, * * * *': minute: '' is no number");
    CHECK(error("99999999999 * * * *") ==
          "cron expression '99999999999 * * * *': minute: '99999999999' is no number");
    CHECK(error("* * * *") ==
          "cron expression '* * * *': expected five fields: minute, hour, day of month, month, "
          "day of week");
    CHECK(error("@often") ==
          "cron expression '@often': expected @hourly, @daily, @weekly, @monthly or @yearly");
    CHECK(error("0 0 30 2 *") == "cron expression '0 0 30 2 *': there is no such day");
    CHECK_THROWS_WITH(Schedule::cron("* * * * *", "Europe/Berln"),
                      "time zone 'Europe/Berln' is unknown: expected one of the tz database, such "
                      "as Europe/Berlin (package tzdata)");
}

TEST_CASE("an interval has its multiples, wherever one begins") {
    const Schedule quarters = Schedule::every(15min);
    CHECK(quarters.next(utc("2026-01-01 10:14") + 59s) == utc("2026-01-01 10:15"));
    CHECK(quarters.next(utc("2026-01-01 10:15")) == utc("2026-01-01 10:30"));
    CHECK(quarters.next(utc("1969-12-31 23:50")) == utc("1970-01-01 00:00"));
    CHECK(quarters.next(utc("1969-12-31 23:45")) == utc("1970-01-01 00:00"));
    CHECK_THROWS_WITH(Schedule::every(0s), "a schedule's interval is not positive");
}

TEST_CASE("a single time comes once") {
    const Schedule once = Schedule::at(utc("2026-01-01 10:00"));
    CHECK(once.next(utc("2020-01-01 10:00")) == utc("2026-01-01 10:00"));
    CHECK_FALSE(once.next(utc("2026-01-01 10:00")).has_value());
}

}  // namespace weir
