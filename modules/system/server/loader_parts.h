#pragma once

#include "core/run/container.h"
#include "modules/system/server/checked_app.h"
#include "modules/system/server/configured_queues.h"
#include "modules/system/server/fallback_calls.h"
#include "modules/system/server/module_table.h"

namespace weir {

class Server;

// What loading, unloading and reloading share.
struct LoaderParts {
    Server& server;       // is handed to modules
    Container& routines;  // owns the routines in which modules load and unload
    CheckedApp& app;
    ConfiguredQueues& queues;
    ModuleTable& table;
    FallbackCalls& fallback;

    Scheduler& scheduler() const noexcept { return routines.scheduler(); }
};

}  // namespace weir
