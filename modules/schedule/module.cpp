// The plugin `schedule`: events at times of the calendar.

#include "modules/system/module/module.h"

#include <algorithm>
#include <exception>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/settings/name_in.h"
#include "core/calendar/calendar_timer.h"
#include "core/calendar/cron_expression.h"
#include "core/calendar/utc_text.h"
#include "core/run/routine.h"
#include "core/system/files.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "modules/schedule/module_class.h"
#include "modules/schedule/settings.h"
#include "modules/system/call/json.h"
#include "modules/system/event/describe_event.h"
#include "modules/system/module/app_check.h"
#include "modules/system/module/plugin.h"

namespace weir::scheduling {
namespace {

config::NameIn name_of_schedule() {
    return {"schedule", "schedules"};
}

// A time of a schedule has come.
struct Due : Event {
    Index<std::string> schedule;
    std::string due;
    bool missed = false;

    static auto declare() {
        return portable_event<Due>(
            "schedule.Due", "A time of a schedule has come",
            member("schedule", &Due::schedule, "Name of the schedule").check(name_of_schedule()),
            member("due", &Due::due, "The time, in UTC, as \"2026-12-24T18:00:00Z\""),
            member("missed", &Due::missed, "Whether it comes late, for one or several times"));
    }
};

// A schedule as `schedule.list` shows it.
struct EntryInfo {
    std::string name;
    std::string description;
    std::string next;
    std::string last;
    std::uint64_t times = 0;

    static config::Settings<EntryInfo> describe() {
        using config::setting;
        using S = EntryInfo;
        return config::settings<S>(
            "A schedule", setting("name", &S::name, "Its name"),
            setting("description", &S::description, "What it is for"),
            setting("next", &S::next, "Its next time, in UTC; \"\": there is none"),
            setting("last", &S::last, "The time that came last; \"\": none"),
            setting("times", &S::times, "How many times have come since the server started"));
    }
};

struct FireParameters {
    std::string schedule;

    static config::Settings<FireParameters> describe() {
        return config::settings<FireParameters>(
            "Sends the event of a schedule now, as if a time had come",
            config::setting("schedule", &FireParameters::schedule, "Its name")
                .check(name_of_schedule())
                .required());
    }
};

// What one version of the module hands to the next: the last times, by schedule.
struct ScheduleState {
    static constexpr std::string_view name = "schedule";
    static constexpr std::uint32_t version = 1;

    std::map<std::string, WallTime> last;
};

bool same(const EntrySettings& left, const EntrySettings& right) {
    return config::description_of<EntrySettings>().equal(&left, &right);
}

class ScheduleModule final : public ModuleOf<ScheduleSettings> {
public:
    using ModuleOf::ModuleOf;
    ~ScheduleModule() override { close(); }

    static auto declare() {
        return declare_module<ScheduleModule>("schedule", "Sends events at times of the calendar")
            .event<Due>()
            .checks(&ScheduleModule::check)
            .shows_flows(&ScheduleModule::flows)
            .hands_over<ScheduleState>(&ScheduleModule::hand_over, &ScheduleModule::take_over,
                                       CallsUnderWay::go_on)
            .function("list", "Lists the schedules, with their next times", &ScheduleModule::list)
            .function("fire", &ScheduleModule::fire)
            .counter("times", "Times that have come", &ScheduleModule::times)
            .reads({"list"});
    }

    Task<> load() override {
        if (settings().state_file) {
            Task<> reading = read_state(*settings().state_file);
            co_await reading;
        }
        for (const auto& [entry_name, settings_of_entry] : settings().schedules) {
            settings_of_entry.schedule();  // throws before anything begins
        }
    }

    void begin() override {
        for (const auto& [entry_name, settings_of_entry] : settings().schedules) {
            begin_entry(entry_name, settings_of_entry);
        }
    }

    using ModuleOf::settings_changed;
    void settings_changed(const ScheduleSettings& before) override {
        std::erase_if(entries_, [&](const auto& entry) {
            const auto now = settings().schedules.find(entry.first);
            const bool stays = now != settings().schedules.end() &&
                               same(now->second, before.schedules.at(entry.first));
            if (!stays) {
                entry.second->routine->close();
            }
            return !stays;
        });
        for (const auto& [entry_name, settings_of_entry] : settings().schedules) {
            if (!entries_.contains(entry_name)) {
                begin_entry(entry_name, settings_of_entry);
            }
        }
    }

    std::vector<EntryInfo> list() const {
        std::vector<EntryInfo> result;
        for (const auto& [entry_name, entry] : entries_) {
            const std::optional<WallTime> next = entry->timer.due();
            const auto last = last_.find(entry_name);
            result.push_back({entry_name, entry->settings.description, next ? utc_text(*next) : "",
                              last == last_.end() ? "" : utc_text(last->second), entry->times});
        }
        return result;
    }

private:
    struct Entry {
        Entry(Scheduler& scheduler, EntrySettings given)
            : settings(std::move(given)), timer(scheduler, settings.schedule()) {}

        const EntrySettings settings;
        CalendarTimer timer;
        std::uint64_t times = 0;
        Ref<Routine> routine;
    };

    static void check(const AppCheck& app) {
        const auto settings = app.settings<ScheduleSettings>();
        warn_of_state_file(app, settings);
        for (const auto& [entry_name, entry] : settings.schedules) {
            config::Path path = app.section() / "schedules";
            path.push(entry_name);
            try {
                warn_of_doubts(app, entry, path);
            } catch (const ScheduleError& error) {
                app.report(path, error.what());
            }
        }
    }

    static void warn_of_state_file(const AppCheck& app, const ScheduleSettings& settings) {
        if (!settings.state_file) {
            return;
        }
        if (const std::string why = why_not_writable(*settings.state_file); !why.empty()) {
            app.warn(app.section() / "state_file",
                     why + ": a restart will not know what was missed");
        }
    }

    // Throws ScheduleError if the schedule is wrong.
    static void warn_of_doubts(const AppCheck& app, const EntrySettings& entry,
                               const config::Path& path) {
        const Schedule schedule = entry.schedule();
        if (entry.cron) {
            for (const std::string& doubt : CronExpression(*entry.cron).doubts) {
                app.warn(path / "cron", doubt);
            }
        }
        const auto now =
            std::chrono::time_point_cast<WallTime::duration>(std::chrono::system_clock::now());
        if (entry.at && !schedule.next(now)) {
            app.warn(path / "at", "the time has passed: it does not come any more");
        }
    }

    static std::vector<Flow> flows(const AppCheck& app) {
        std::vector<Flow> all;
        const auto settings = app.settings<ScheduleSettings>();
        for (const auto& [entry_name, entry] : settings.schedules) {
            all.push_back({{Flow::Kind::thing, "schedule " + entry_name},
                           {Flow::Kind::event, event_type<Due>().name()}});
        }
        return all;
    }

    std::uint64_t times() const noexcept {
        std::uint64_t all = 0;
        for (const auto& [entry_name, entry] : entries_) {
            all += entry->times;
        }
        return all;
    }

    void begin_entry(const std::string& entry_name, const EntrySettings& entry_settings) {
        auto made = std::make_unique<Entry>(scheduler(), entry_settings);
        Entry& entry = *made;
        entries_[entry_name] = std::move(made);
        entry.routine = start(run(entry_name, entry),
                              {.name = "schedule '" + entry_name + "'", .daemon = true});
    }

    // --- times

    // A time that has come, until its event is sent.
    struct Coming {
        std::optional<WallTime> due;
        bool missed = false;
    };

    // A time for which there is no memory comes later.
    Task<> run(std::string entry_name, Entry& entry) {
        Coming next;
        next.due = missed_before(entry_name, entry, wall_time(scheduler().poller()));
        next.missed = next.due.has_value();
        for (;;) {
            bool has_memory = true;
            bool has_more = true;
            try {
                Task<bool> coming = do_next(entry_name, entry, next);
                has_more = co_await coming;
            } catch (const std::bad_alloc&) {
                has_memory = false;
            }
            if (!has_more) {
                co_return;
            }
            if (!has_memory) {
                scheduler().log(LogLevel::error, "no memory for a time of a schedule");
                co_await sleep(pause_without_memory);
            }
        }
    }

    // Waits for the next time, unless there is one already, and lets it come. Returns whether there
    // was any.
    Task<bool> do_next(const std::string& entry_name, Entry& entry, Coming& next) {
        if (!next.due) {
            Task<std::optional<WallTime>> waiting = entry.timer.next();
            next.due = co_await waiting;
            if (!next.due) {
                co_return false;
            }
            const Duration late = wall_time(scheduler().poller()) - *next.due;
            next.missed = late > entry.settings.grace;
        }
        if (next.missed && entry.settings.missed == Missed::skip) {
            const WallTime skipped = *std::exchange(next.due, std::nullopt);
            log().info("the schedule '{}' skips {}", entry_name, utc_text(skipped));
        } else {
            Task<> coming = come(entry_name, entry, next);
            co_await coming;
        }
        co_return true;
    }

    // The first time that has passed since the last one that came.
    std::optional<WallTime> missed_before(const std::string& entry_name, const Entry& entry,
                                          WallTime now) const {
        const auto last = last_.find(entry_name);
        if (last == last_.end() || entry.settings.missed == Missed::skip) {
            return std::nullopt;
        }
        const std::optional<WallTime> due = entry.settings.schedule().next(last->second);
        return due && *due <= now ? due : std::nullopt;
    }

    Task<> come(const std::string& entry_name, Entry& entry, Coming& next) {
        if (entry.settings.jitter.count() > 0) {
            const auto most = static_cast<std::uint64_t>(Duration(entry.settings.jitter).count());
            co_await sleep(
                Duration(static_cast<Duration::rep>(scheduler().poller().random() % (most + 1))));
        }
        Task<> sending = send_due(entry_name, *next.due, next.missed);
        co_await sending;
        next.due.reset();  // it has come, even if there is no memory for what follows
        ++entry.times;
        last_[entry_name] = wall_time(scheduler().poller());
        if (settings().state_file) {
            Task<> writing = write_state(*settings().state_file);
            co_await writing;
        }
    }

    static Task<> send_due(std::string entry_name, WallTime due, bool missed) {
        co_await send(make_event<Due>(std::move(entry_name), utc_text(due), missed));
    }

    Task<> fire(FireParameters parameters) {
        const auto entry = entries_.find(parameters.schedule);
        if (entry == entries_.end()) {
            throw ApiException("unknown_schedule",
                               "there is no schedule '" + parameters.schedule + "'");
        }
        ++entry->second->times;
        Task<> sending = send_due(parameters.schedule, wall_time(scheduler().poller()), false);
        co_await sending;
    }

    // --- the last times

    // A file that cannot be read, or used, costs the knowledge of missed times, and no more.
    Task<> read_state(std::string file) {
        std::optional<std::string> problem;
        try {
            Task<std::optional<FileStatus>> looking = file_status(file);
            if (const std::optional<FileStatus> status = co_await looking) {
                Task<std::string> reading = read_file(file);
                const Json state = Json::parse(co_await reading);
                for (const auto& [entry_name, text] : state.items()) {
                    if (const auto time = time_from_utc_text(text.get<std::string>())) {
                        last_[entry_name] = *time;
                    }
                }
            }
        } catch (const QuitException&) {
            throw;
        } catch (const std::exception& error) {
            problem = error.what();
        }
        if (problem) {
            log().warning("cannot read {}: {}", file, *problem);
        }
    }

    Task<> write_state(std::string file) {
        Json state = Json::object();
        for (const auto& [entry_name, time] : last_) {
            state[entry_name] = utc_text(time);
        }
        std::optional<std::string> problem;
        try {
            Task<> writing = replace_file(file, state.dump(2) + "\n");
            co_await writing;
        } catch (const QuitException&) {
            throw;
        } catch (const std::exception& error) {
            problem = error.what();
        }
        if (problem) {
            log().warning("cannot write {}: {}", file, *problem);
        }
    }

    ScheduleState hand_over() { return {last_}; }
    void take_over(ScheduleState& state) { last_ = std::move(state.last); }

    static constexpr std::chrono::seconds pause_without_memory{1};

    std::map<std::string, WallTime> last_;
    std::map<std::string, std::unique_ptr<Entry>> entries_;
};

}  // namespace

const ModuleClass& schedule_class() {
    return module_class<ScheduleModule>();
}

}  // namespace weir::scheduling

WEIR_PLUGIN(schedule, weir::scheduling::ScheduleModule)
