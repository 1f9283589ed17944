#pragma once

#include <cstdint>

#include "config/settings/settings.h"
#include "core/run/task.h"
#include "core/wait/long_work.h"
#include "modules/system/call/caller.h"
#include "modules/system/call/json.h"
#include "modules/system/server/server.h"

namespace weir {

// Which lists an inspection has, and how long they may be.
struct InspectParameters {
    static constexpr std::uint32_t most_for_all = 1000;

    bool queues = true;
    bool routines = true;
    bool locks = true;
    std::uint32_t most = most_for_all;
    bool events = false;

    static config::Settings<InspectParameters> describe();
};

// Returns for a client all that a server's snapshot has, and its modules, as JSON: `process`,
// `time`, `memory`, `counts`, `quitting`, `modules`, and as asked for `queue` and `blocked_events`,
// or `routines`, `handlers` and `timers`. Durations are seconds, sizes bytes; a limit that there is
// none of is null. A list has `most` items at most; `counts`, and for senders `waiting_senders`,
// count all. (The manager adds `locks`, and `locks_left_out`: whether there may be more.)
//
// An event has `event`, a text, and `content`, its members, if the client may watch events and
// those of the type may leave the process; see EventContents. With `events`, each queue has
// `events`, the first few that would leave it.
//
// All is of the moment at which the routine begins. The lists are made in pieces of long work for
// the client, which must stay valid.
//
// Each module has
//   queued   events in its queues: those that it has added, and those for the events it brings
//   blocked  those of them that block their queue
//   library  the size of its code and static objects, 0 if it is part of the program
//   memory   that of its routines and the frames of their coroutines. What else it allocates
//            cannot be told from the rest, and is in memory.heap of the process.
Task<Json> inspection(Server& server, InspectParameters parts, const Caller& client,
                      Ref<LongWork> long_work);

}  // namespace weir
