#pragma once

#include "modules/json.h"
#include "modules/server.h"

namespace weir {

// All that a server's snapshot tells, and its modules, as JSON: `process`, `quitting`, `modules`,
// `routines`, `handlers`, `timers`, `queue`, `blocked_events`. Durations are seconds; a limit that
// there is none of is null. Takes time in proportion to what there is; see Snapshot.
Json inspection(Server& server);

}  // namespace weir
