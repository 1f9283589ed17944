#pragma once

#include <cstdint>
#include <string>

#include "config/settings/settings.h"
#include "modules/system/call/json_fwd.h"
#include "modules/system/server/server.h"

namespace weir {

// Which routines a listing has.
struct RoutinesParameters {
    std::string module;
    std::string contains;
    std::uint32_t limit = 500;

    static config::Settings<RoutinesParameters> describe();
};

// Returns the routines that exist, as JSON that stays small however many there are:
//
//   routines  their number
//   matching  how many of them are selected
//   groups    those that were started at one line and are in one state, as one: `module`,
//             `started_at`, `state`, `count`, `memory` of all, and `name`, `waits_for` and
//             `seconds` of the one that waits longest; the largest groups first
//   list      up to `limit` of them: `module`, `started_at`, `state`, `name`, `timers`, `memory`,
//             and of one that waits `waits_for` and `seconds`
//
// Takes time in proportion to what there is; see Snapshot.
Json routine_listing(Server& server, const RoutinesParameters& parameters);

}  // namespace weir
