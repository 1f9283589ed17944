#pragma once

#include "config/settings/settings.h"
#include "modules/system/call/json.h"
#include "modules/system/server/server.h"

namespace weir {

// Which lists an inspection has; they may be long.
struct InspectParameters {
    bool queues = true;
    bool routines = true;
    bool locks = true;

    static config::Settings<InspectParameters> describe();
};

// Returns all that a server's snapshot has, and its modules, as JSON: `process`, `time`, `memory`,
// `counts`, `quitting`, `modules`, and as asked for `queue` and `blocked_events`, or `routines`,
// `handlers` and `timers`. Durations are seconds, sizes bytes; a limit that there is none of is
// null. Takes time in proportion to what there is; see Snapshot.
//
// Each module has
//   queued   events in its queues: those that it has added, and those for the events it brings
//   blocked  those of them that block their queue
//   library  the size of its code and static objects, 0 if it is part of the program
//   memory   that of its routines and the frames of their coroutines. What else it allocates
//            cannot be told from the rest, and is in memory.heap of the process.
Json inspection(Server& server, const InspectParameters& parts);

}  // namespace weir
