#include "modules/manager/routine_listing.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "core/observe/snapshot.h"
#include "modules/manager/routine_json.h"
#include "modules/system/call/json.h"
#include "modules/system/server/loader.h"

namespace weir {

config::Settings<RoutinesParameters> RoutinesParameters::describe() {
    using P = RoutinesParameters;
    return config::settings<P>(
        "Lists routines, and counts them by where they were started",
        config::setting("module", &P::module, "Only those of this module; empty: all"),
        config::setting("contains", &P::contains,
                        "Only those with this text in their name, their place or what they wait "
                        "for")
            .length(0, 256),
        config::setting("limit", &P::limit, "How many to list; the rest are counted")
            .at_most(10'000)
            .unit("routines"));
}

namespace {

// How many routines are described in words, at most: others are only counted.
constexpr std::size_t most_described = 10'000;

bool is_selected(const RoutinesParameters& parameters, const RoutineInfo& routine,
                 const std::string& module, const std::string& place) {
    const auto has = [&](const std::string& text) {
        return text.find(parameters.contains) != std::string::npos;
    };
    return (parameters.module.empty() || parameters.module == module) &&
           (has(routine.name) || has(place) || has(routine.waits_for));
}

struct RoutineGroup {
    std::size_t count = 0;
    std::size_t memory = 0;
    const RoutineInfo* longest = nullptr;  // the one that waits longest
};

using GroupKey = std::tuple<std::string, std::string, std::string>;  // module, place, state
using RoutineGroups = std::map<GroupKey, RoutineGroup>;

Json list_groups(const RoutineGroups& groups, Time now) {
    std::vector<RoutineGroups::const_iterator> sorted;
    for (auto group = groups.begin(); group != groups.end(); ++group) {
        sorted.push_back(group);
    }
    std::ranges::stable_sort(
        sorted, [](const auto& a, const auto& b) { return a->second.count > b->second.count; });
    Json list = Json::array();
    for (const auto& group : sorted) {
        const auto& [module, place, state] = group->first;
        Json one = routine_json(*group->second.longest, module, now);
        one["count"] = group->second.count;
        one["memory"] = group->second.memory;
        list.push_back(std::move(one));
    }
    return list;
}

}  // namespace

Json routine_listing(Server& server, const RoutinesParameters& parameters) {
    const Snapshot now = snapshot(server.scheduler(), most_described);
    RoutineGroups groups;
    Json list = Json::array();
    std::size_t matching = 0;
    for (const RoutineInfo& routine : now.routines) {
        const std::string module = server.loader().module_of(routine);
        const std::string place = started_at(routine);
        if (!is_selected(parameters, routine, module, place)) {
            continue;
        }
        RoutineGroup& group = groups[{module, place, to_string(routine.state)}];
        ++group.count;
        group.memory += routine.memory;
        if (group.longest == nullptr || routine.since < group.longest->since) {
            group.longest = &routine;
        }
        if (++matching <= parameters.limit) {
            list.push_back(routine_json(routine, module, now.time));
        }
    }
    return {{"routines", now.routines.size()},
            {"matching", matching},
            {"groups", list_groups(groups, now.time)},
            {"list", std::move(list)}};
}

}  // namespace weir
