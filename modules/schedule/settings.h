#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "config/settings/settings.h"
#include "core/calendar/schedule.h"

// The settings at module.schedule, as an app file has them.
namespace weir::scheduling {

// What becomes of a time that has passed while the server did not run, or the machine slept.
enum class Missed { skip, run_once };

inline config::EnumNames<Missed> names_of(Missed) {
    return {{"skip", Missed::skip}, {"run_once", Missed::run_once}};
}

struct EntrySettings {
    std::string description;
    std::optional<std::chrono::milliseconds> every;
    std::optional<std::string> at;
    std::optional<std::string> cron;
    std::string zone = "UTC";
    std::chrono::milliseconds jitter{};
    Missed missed = Missed::run_once;
    std::chrono::milliseconds grace = std::chrono::minutes(1);

    static config::Settings<EntrySettings> describe();

    // Returns the schedule. Throws ScheduleError if it is wrong: also unless exactly one of every,
    // at and cron is given.
    Schedule schedule() const;
};

struct ScheduleSettings {
    std::map<std::string, EntrySettings> schedules;
    std::optional<std::string> state_file;

    static config::Settings<ScheduleSettings> describe();
};

}  // namespace weir::scheduling
