#pragma once

#include <string>

#include "core/base/clock.h"
#include "core/observe/snapshot.h"
#include "modules/system/call/json.h"

namespace weir {

// Returns the state as text: "about to start", "running" or "waiting".
const char* to_string(RoutineInfo::State state) noexcept;

// Returns where the routine was started: "modules/lock/plugin/module.cpp:392".
std::string started_at(const RoutineInfo& routine);

// Returns what all lists of the manager say of a routine: `name`, `module`, `started_at`, `state`,
// `timers`, `memory`, and of one that waits `waits_for` and for how many `seconds`, up to `now`.
Json routine_json(const RoutineInfo& routine, const std::string& module, Time now);

}  // namespace weir
