#include "core/calendar/calendar_timer.h"

#include <algorithm>
#include <utility>

#include "core/calendar/clock_watch.h"
#include "core/run/container.h"
#include "core/run/scheduler.h"
#include "core/wait/timeout.h"

namespace weir {
namespace {

// No event tells of corrections in small steps, of at most half a thousandth of the time.
constexpr std::chrono::microseconds longest_wait = std::chrono::hours(1);

}  // namespace

CalendarTimer::CalendarTimer(Scheduler& scheduler, Schedule schedule)
    : scheduler_(scheduler),
      schedule_(std::move(schedule)),
      clock_(ClockWatch::make(scheduler)),
      done_(wall_time(scheduler.poller())) {}

CalendarTimer::~CalendarTimer() = default;

std::optional<WallTime> CalendarTimer::due() {
    const WallTime now = wall_time(scheduler_.poller());
    if (now + correction < done_) {
        done_ = now;
    }
    return schedule_.next(done_);
}

Task<std::optional<WallTime>> CalendarTimer::next() {
    for (;;) {
        // Before the clock is read, so that no change is overlooked.
        const Matcher& clock_was_set = clock_->was_set();
        const std::optional<WallTime> time = due();
        if (!time) {
            co_return std::nullopt;
        }
        const WallTime now = wall_time(scheduler_.poller());
        if (*time <= now) {
            done_ = now;
            co_return time;
        }
        co_await wait_with_timeout(std::min(*time - now, longest_wait), clock_was_set);
    }
}

Task<> sleep_until(WallTime time) {
    Scheduler& scheduler = (co_await this_routine()).scheduler();
    if (time > wall_time(scheduler.poller())) {
        CalendarTimer timer(scheduler, Schedule::at(time));
        co_await timer.next();
    }
}

}  // namespace weir
