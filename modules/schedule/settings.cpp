#include "modules/schedule/settings.h"

#include "config/text/quoted.h"
#include "core/calendar/utc_text.h"

namespace weir::scheduling {

using config::setting;
using config::settings;
using std::chrono::hours;
using std::chrono::milliseconds;

config::Settings<EntrySettings> EntrySettings::describe() {
    using S = EntrySettings;
    return settings<S>(
        "Times of the calendar: one of every, at and cron",
        setting("description", &S::description, "What they are for"),
        setting("every", &S::every,
                "All multiples of this time since 1970: with 15m, each full quarter of an hour")
            .range(milliseconds(10), hours(24 * 366)),
        setting("at", &S::at, "One time, in UTC, as \"2026-12-24T18:00:00Z\""),
        setting("cron", &S::cron,
                "The times of a cron expression: minute, hour, day of month, month, day of week"),
        setting("zone", &S::zone,
                "The time zone of the cron expression, as \"Europe/Berlin\"; \"localtime\": that "
                "of the machine"),
        setting("jitter", &S::jitter,
                "Each time comes later by a random part of this: so that not all servers do at "
                "the same time what is due at the same time")
            .at_most(hours(24)),
        setting("missed", &S::missed,
                "Times that have passed while the machine slept, or, with a state_file, while the "
                "server did not run: come as one, or not at all"),
        setting("grace", &S::grace, "A time that comes late by no more than this is not missed"));
}

config::Settings<ScheduleSettings> ScheduleSettings::describe() {
    using S = ScheduleSettings;
    return settings<S>(
        "Sends events at times of the calendar",
        setting("schedules", &S::schedules, "The schedules, by name"),
        setting("state_file", &S::state_file,
                "A file that keeps when each schedule was last due, so that times are known that "
                "pass while the server does not run; null: none")
            .not_empty()
            .fixed());
}

Schedule EntrySettings::schedule() const {
    const int given = int{every.has_value()} + int{at.has_value()} + int{cron.has_value()};
    if (given != 1) {
        throw ScheduleError("needs one of every, at and cron");
    }
    if (every) {
        return Schedule::every(*every);
    }
    if (cron) {
        return Schedule::cron(*cron, zone);
    }
    const std::optional<WallTime> time = time_from_utc_text(*at);
    if (!time) {
        throw ScheduleError("at: " + config::in_quotes(*at) +
                            " is no time as \"2026-12-24T18:00:00Z\"");
    }
    return Schedule::at(*time);
}

}  // namespace weir::scheduling
