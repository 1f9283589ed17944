#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "core/calendar/schedule.h"
#include "core/run/task.h"

namespace weir {

class ClockWatch;
class Scheduler;

/// co_await sleep_until(time): resumes when the clock of the machine has reached the time, never
/// before, at once if it has passed. Follows the clock when it is set, and is on time after the
/// machine has slept. Throws SystemError if no file descriptors are left.
Task<> sleep_until(WallTime time);

/// Waits for the times of a schedule, one after the other.
///
///     CalendarTimer nightly(scheduler, Schedule::cron("30 2 * * *", "Europe/Berlin"));
///     while (const auto due = co_await nightly.next()) {
///         co_await back_up();
///     }
///
/// Follows the clock of the machine. Times that pass while no routine waits, or at once because the
/// clock is set forward or the machine sleeps, come as one, the first of them, so that a routine
/// that takes longer than the interval does not fall behind. When the clock is set back, times that
/// have come do not come again, unless it is set back by more than `correction`: then it was wrong
/// before, and the schedule starts anew from its new time.
///
/// Belongs to the scheduler's thread; the scheduler must outlive it. Works in simulations.
class CalendarTimer {
public:
    static constexpr std::chrono::hours correction{3};

    /// Times before now have passed. Throws SystemError if no file descriptors are left.
    CalendarTimer(Scheduler& scheduler, Schedule schedule);
    ~CalendarTimer();
    CalendarTimer(const CalendarTimer&) = delete;
    CalendarTimer& operator=(const CalendarTimer&) = delete;

    /// Waits for the next time, and returns it: when it was due. Returns nothing if there is no
    /// more. One routine at a time.
    Task<std::optional<WallTime>> next();
    /// Returns when the next time is due; nothing: there is none.
    std::optional<WallTime> due();

private:
    Scheduler& scheduler_;
    const Schedule schedule_;
    std::unique_ptr<ClockWatch> clock_;
    WallTime done_;  // times up to this one have come
};

}  // namespace weir
