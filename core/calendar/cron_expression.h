#pragma once

#include <bitset>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

// A cron expression, parsed: which minutes, hours and days it has; see Schedule::cron.
struct CronExpression {
    using Set = std::bitset<64>;

    // Throws ScheduleError.
    explicit CronExpression(std::string_view expression);

    // Whether a day matches. `weekday`: 0 is Sunday.
    bool has_day(int month, int day, int weekday) const noexcept;

    std::string text;
    // What is allowed, and seldom meant: "minute: */90 has only 0, because steps begin anew in each
    // hour".
    std::vector<std::string> doubts;
    Set minutes;
    Set hours;
    Set days;
    Set months;
    Set weekdays;  // 0 to 6
    bool any_hour = false;
    bool any_day = false;
    bool any_weekday = false;
};

}  // namespace weir
