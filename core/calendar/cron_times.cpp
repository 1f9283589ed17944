#include "core/calendar/cron_times.h"

#include <utility>

#include <cctz/civil_time.h>
#include <cctz/time_zone.h>

namespace weir {

using std::chrono::sys_seconds;

struct CronTimes::Zone {
    cctz::time_zone zone;

    cctz::civil_second local(sys_seconds time) const { return zone.lookup(time).cs; }
    // The first moment that is not before this time of the clock.
    sys_seconds moment(const cctz::civil_second& clock) const {
        const auto found = zone.lookup(clock);
        return found.kind == cctz::time_zone::civil_lookup::SKIPPED ? found.trans : found.pre;
    }
};

namespace {

// Leap days are up to eight years apart.
constexpr int most_days = 9 * 366;

bool has_day(const CronExpression& expression, const cctz::civil_day& day) {
    const int weekday = (static_cast<int>(cctz::get_weekday(day)) + 1) % 7;  // Monday is 0
    return expression.has_day(day.month(), day.day(), weekday);
}

}  // namespace

CronTimes::CronTimes(CronExpression expression, const std::string& zone)
    : expression_(std::move(expression)), zone_([&] {
          auto loaded = std::make_unique<Zone>();
          if (!cctz::load_time_zone(zone, &loaded->zone)) {
              throw ScheduleError("time zone '" + zone +
                                  "' is unknown: expected one of the tz database, such as "
                                  "Europe/Berlin (package tzdata)");
          }
          return loaded;
      }()) {
    if (!next(WallTime())) {
        throw ScheduleError("cron expression '" + expression_.text + "': there is no such day");
    }
}

CronTimes::~CronTimes() = default;

std::optional<WallTime> CronTimes::next(WallTime after) const {
    const auto second = std::chrono::floor<std::chrono::seconds>(after);
    return expression_.any_hour ? next_that_passes(second) : next_of_the_clock(second);
}

// Goes through the times of the clock, in their order: each of them is one moment.
std::optional<sys_seconds> CronTimes::next_of_the_clock(sys_seconds after) const {
    cctz::civil_day day(zone_->local(after));
    for (int days = 0; days != most_days; ++days, ++day) {
        if (!has_day(expression_, day)) {
            continue;
        }
        for (int hour = 0; hour != 24; ++hour) {
            if (!expression_.hours[static_cast<std::size_t>(hour)]) {
                continue;
            }
            for (int minute = 0; minute != 60; ++minute) {
                if (!expression_.minutes[static_cast<std::size_t>(minute)]) {
                    continue;
                }
                const sys_seconds time = zone_->moment(
                    cctz::civil_second(day.year(), day.month(), day.day(), hour, minute));
                if (time > after) {
                    return time;
                }
            }
        }
    }
    return std::nullopt;
}

// Goes through the minutes that pass, whatever the clock says, and skips days that do not match.
std::optional<sys_seconds> CronTimes::next_that_passes(sys_seconds after) const {
    sys_seconds time = after + std::chrono::seconds(1);
    for (int days = 0; days != most_days;) {
        const cctz::civil_second local = zone_->local(time);
        if (local.second() != 0) {
            time += std::chrono::seconds(60 - local.second());
            continue;
        }
        const cctz::civil_day day(local);
        if (!has_day(expression_, day)) {
            ++days;
            time = zone_->moment(cctz::civil_second(day + 1));
            continue;
        }
        if (expression_.minutes[static_cast<std::size_t>(local.minute())]) {
            return time;
        }
        time += std::chrono::minutes(1);
    }
    return std::nullopt;
}

}  // namespace weir
