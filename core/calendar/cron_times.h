#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/calendar/cron_expression.h"
#include "core/calendar/schedule.h"

namespace weir {

// The times of a cron expression in a time zone.
class CronTimes final : public Schedule::Times {
public:
    // Throws ScheduleError if the zone is unknown, or the times never come.
    CronTimes(CronExpression expression, const std::string& zone);
    ~CronTimes() override;

    std::optional<WallTime> next(WallTime after) const override;

private:
    struct Zone;

    std::optional<std::chrono::sys_seconds> next_of_the_clock(std::chrono::sys_seconds after) const;
    std::optional<std::chrono::sys_seconds> next_that_passes(std::chrono::sys_seconds after) const;

    const CronExpression expression_;
    const std::unique_ptr<const Zone> zone_;
};

}  // namespace weir
