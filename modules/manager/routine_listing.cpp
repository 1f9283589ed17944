#include "modules/manager/routine_listing.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <source_location>
#include <tuple>
#include <utility>
#include <vector>

#include "core/observe/snapshot.h"
#include "core/run/routine.h"
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

// Routines of one module that were started at one line and are in one state.
struct RoutineGroup {
    std::size_t count = 0;
    std::size_t memory = 0;
    RoutineInfo* longest = nullptr;  // the one that waits longest

    void add(RoutineInfo& routine) {
        ++count;
        memory += routine.memory;
        if (longest == nullptr || routine.since < longest->since) {
            longest = &routine;
        }
    }
};

// Where routines were started, and by which container: found out once for all that have it in
// common.
struct Origin {
    std::string module;
    std::string place;
    bool is_selected = false;                  // by the module
    std::array<RoutineGroup*, 3> groups = {};  // by the state, when they are known
};

class Origins {
public:
    Origins(Server& server, const RoutinesParameters& parameters)
        : server_(server), parameters_(parameters) {}

    Origin& of(const RoutineInfo& routine) {
        const std::source_location& at = routine.started_at;
        const auto [found, is_new] =
            origins_.try_emplace({routine.container, at.file_name(), at.line()});
        Origin& origin = found->second;
        if (is_new) {
            origin.module = server_.loader().module_of(routine);
            origin.place = started_at(routine);
            origin.is_selected = parameters_.module.empty() || parameters_.module == origin.module;
        }
        return origin;
    }

private:
    Server& server_;
    const RoutinesParameters& parameters_;
    std::map<std::tuple<const Container*, const char*, std::uint_least32_t>, Origin> origins_;
};

// Words take most of the time: only a routine that is shown, or searched in, is described.
void describe_wait(RoutineInfo& routine) {
    if (routine.state == RoutineInfo::State::waiting) {
        routine.waits_for = routine.routine->wait()->describe();
    }
}

bool contains(const std::string& text, RoutineInfo& routine, const Origin& origin) {
    if (text.empty()) {
        return true;
    }
    describe_wait(routine);
    const auto has = [&](const std::string& in) { return in.find(text) != std::string::npos; };
    return has(routine.name) || has(origin.place) || has(routine.waits_for);
}

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
        describe_wait(*group->second.longest);
        Json one = routine_json(*group->second.longest, module, now);
        one["count"] = group->second.count;
        one["memory"] = group->second.memory;
        list.push_back(std::move(one));
    }
    return list;
}

}  // namespace

Json routine_listing(Server& server, const RoutinesParameters& parameters) {
    const Time now = server.scheduler().now();
    std::vector<RoutineInfo> routines = list_routines(server.scheduler(), 0);
    Origins origins(server, parameters);
    RoutineGroups groups;
    Json list = Json::array();
    std::size_t matching = 0;
    for (RoutineInfo& routine : routines) {
        Origin& origin = origins.of(routine);
        if (!origin.is_selected || !contains(parameters.contains, routine, origin)) {
            continue;
        }
        RoutineGroup*& known = origin.groups.at(static_cast<std::size_t>(routine.state));
        if (known == nullptr) {
            known = &groups[{origin.module, origin.place, to_string(routine.state)}];
        }
        known->add(routine);
        if (++matching <= parameters.limit) {
            describe_wait(routine);
            list.push_back(routine_json(routine, origin.module, now));
        }
    }
    return {{"routines", routines.size()},
            {"matching", matching},
            {"groups", list_groups(groups, now)},
            {"list", std::move(list)}};
}

}  // namespace weir
