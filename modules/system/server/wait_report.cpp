#include "modules/system/server/wait_report.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <source_location>
#include <tuple>
#include <utility>

#include "core/run/routine.h"
#include "core/run/scheduler.h"
#include "modules/system/server/library_users.h"

namespace weir {
namespace {

struct Group {
    std::size_t routines = 0;
    const Routine* longest = nullptr;
};

// The lines where a routine was started and where it waits.
std::tuple<std::string, std::uint_least32_t, std::string, std::uint_least32_t> lines_of(
    const Routine& routine) {
    const std::vector<RoutineFrame> frames = routine.frames();
    const std::source_location waits =
        frames.empty() ? std::source_location() : frames.front().waits_at;
    return {routine.started_at().file_name(), routine.started_at().line(), waits.file_name(),
            waits.line()};
}

std::string text_of(const Group& group, const WaitReportOptions& options, Time now) {
    const auto waited =
        std::chrono::duration_cast<std::chrono::seconds>(now - group.longest->waiting_since());
    std::string text =
        std::to_string(group.routines) + (group.routines == 1 ? " routine" : " routines");
    if (options.module_of) {
        const std::string module = options.module_of(*group.longest);
        text += module.empty() ? "" : " of '" + module + "'";
    }
    text += ": " + describe_wait(*group.longest);
    if (group.longest->wait() != nullptr) {
        text += ", for " + std::to_string(waited.count()) + " s";
    }
    return text;
}

}  // namespace

std::vector<std::string> wait_report(Scheduler& scheduler, const WaitReportOptions& options) {
    std::map<decltype(lines_of(std::declval<const Routine&>())), Group> groups;
    for (const Subscriber& subscriber : scheduler.subscribers()) {
        const auto* routine = dynamic_cast<const Routine*>(&subscriber);
        if (routine == nullptr || (routine->daemon() && !options.daemons)) {
            continue;
        }
        Group& group = groups[lines_of(*routine)];
        ++group.routines;
        if (group.longest == nullptr || routine->waiting_since() < group.longest->waiting_since()) {
            group.longest = routine;
        }
    }
    std::vector<Group> sorted;
    for (const auto& [lines, group] : groups) {
        sorted.push_back(group);
    }
    std::ranges::stable_sort(sorted, std::greater(), &Group::routines);
    std::vector<std::string> report;
    std::size_t left_out = 0;
    for (const Group& group : sorted) {
        if (report.size() == options.most) {
            left_out += group.routines;
        } else {
            report.push_back(text_of(group, options, scheduler.now()));
        }
    }
    if (left_out != 0) {
        report.push_back(std::to_string(left_out) + " more routines");
    }
    return report;
}

}  // namespace weir
