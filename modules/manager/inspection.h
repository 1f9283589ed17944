#pragma once

#include "config/settings/settings.h"
#include "modules/system/call/caller.h"
#include "modules/system/call/json.h"
#include "modules/system/server/server.h"

namespace weir {

// Which lists an inspection has; they may be long.
struct InspectParameters {
    bool queues = true;
    bool routines = true;
    bool locks = true;
    bool events = false;

    static config::Settings<InspectParameters> describe();
};

// Returns for a client all that a server's snapshot has, and its modules, as JSON: `process`,
// `time`, `memory`, `counts`, `quitting`, `modules`, and as asked for `queue` and `blocked_events`,
// or `routines`, `handlers` and `timers`. Durations are seconds, sizes bytes; a limit that there is
// none of is null. Takes time in proportion to what there is; see Snapshot.
//
// An event has `event`, a text, and `content`, its members, if the client may watch events and
// those of the type may leave the process; see EventContents. With `events`, each queue has
// `events`, the first few that would leave it.
//
// Each module has
//   queued   events in its queues: those that it has added, and those for the events it brings
//   blocked  those of them that block their queue
//   library  the size of its code and static objects, 0 if it is part of the program
//   memory   that of its routines and the frames of their coroutines. What else it allocates
//            cannot be told from the rest, and is in memory.heap of the process.
Json inspection(Server& server, const InspectParameters& parts, const Caller& client);

}  // namespace weir
