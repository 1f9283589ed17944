#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "core/simulation/wall_clock.h"

namespace weir {

/// Thrown for a cron expression or a time zone that is wrong; what() says what is wrong with it,
/// and what is expected.
class ScheduleError : public std::invalid_argument {
public:
    using std::invalid_argument::invalid_argument;
};

/// Points in calendar time: one, or those that repeat. A value; copies share what was parsed, which
/// never changes.
///
///     const Schedule nightly = Schedule::cron("30 2 * * mon-fri", "Europe/Berlin");
class Schedule {
public:
    /// This time only.
    static Schedule at(WallTime time);
    /// The multiples of the interval since 1970-01-01 00:00 UTC: with 15min, each full quarter of
    /// an hour, wherever the program starts. Throws ScheduleError unless the interval is positive.
    static Schedule every(std::chrono::microseconds interval);
    /// The times that a cron expression describes, in a time zone of the tz database ("UTC",
    /// "Europe/Berlin"; "localtime": that of the machine). Throws ScheduleError, also if the times
    /// never come, such as February 30.
    ///
    ///     minute (0-59)  hour (0-23)  day of month (1-31)  month (1-12)  day of week (0-7)
    ///
    /// A field is `*`, a number, a range `9-17`, steps `*/15` or `9-17/2`, or a list of these:
    /// `0,30`. Months and days of the week have names: `jan`, `mon`; 0 and 7 are Sunday. If both
    /// days are restricted, a time has either of them. `@hourly`, `@daily`, `@weekly`, `@monthly`
    /// and `@yearly` stand for the usual expressions.
    ///
    /// Daylight saving: an expression whose hour is `*` counts hours as they pass, so it has no
    /// times in the hour that is skipped, and each of its times twice in the hour that is repeated.
    /// Any other expression has each of its local times once: times that are skipped come together
    /// at the end of the gap, and times that are repeated come the first time.
    static Schedule cron(std::string_view expression, const std::string& zone = "UTC");

    /// Returns the first time after this one; nothing: there is none.
    std::optional<WallTime> next(WallTime after) const;

    /// The times of one kind of schedule.
    class Times {
    public:
        virtual ~Times() = default;
        virtual std::optional<WallTime> next(WallTime after) const = 0;
    };

private:
    explicit Schedule(std::shared_ptr<const Times> times) noexcept : times_(std::move(times)) {}

    std::shared_ptr<const Times> times_;  // shared by the copies
};

}  // namespace weir
