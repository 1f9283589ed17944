#pragma once

#include <functional>

#include <weir/core.h>

#include "core/calendar/calendar_timer.h"

// Calls the function at six in the evening of each working day in Berlin.
inline weir::Task<> each_evening(std::function<void(weir::WallTime)> function) {
    const weir::Schedule evenings = weir::Schedule::cron("0 18 * * mon-fri", "Europe/Berlin");
    weir::CalendarTimer timer((co_await weir::this_routine()).scheduler(), evenings);
    while (const auto due = co_await timer.next()) {
        function(*due);
    }
}
