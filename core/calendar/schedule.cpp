#include "core/calendar/schedule.h"

#include <utility>

#include "core/calendar/cron_times.h"

namespace weir {
namespace {

class OneTime final : public Schedule::Times {
public:
    explicit OneTime(WallTime time) noexcept : time_(time) {}

    std::optional<WallTime> next(WallTime after) const override {
        return time_ > after ? std::optional(time_) : std::nullopt;
    }

private:
    const WallTime time_;
};

class Multiples final : public Schedule::Times {
public:
    explicit Multiples(std::chrono::microseconds interval) : interval_(interval) {
        if (interval <= interval.zero()) {
            throw ScheduleError("a schedule's interval is not positive");
        }
    }

    std::optional<WallTime> next(WallTime after) const override {
        const auto since = after.time_since_epoch();
        auto multiple = since / interval_;
        if (since % interval_ < since.zero()) {
            --multiple;  // the division rounds towards 1970
        }
        return WallTime((multiple + 1) * interval_);
    }

private:
    const std::chrono::microseconds interval_;
};

}  // namespace

Schedule Schedule::at(WallTime time) {
    return Schedule(std::make_shared<const OneTime>(time));
}

Schedule Schedule::every(std::chrono::microseconds interval) {
    return Schedule(std::make_shared<const Multiples>(interval));
}

Schedule Schedule::cron(std::string_view expression, const std::string& zone) {
    return Schedule(std::make_shared<const CronTimes>(CronExpression(expression), zone));
}

std::optional<WallTime> Schedule::next(WallTime after) const {
    return times_->next(after);
}

}  // namespace weir
