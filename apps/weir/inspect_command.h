#pragma once

#include <string>

#include "apps/weir/remote_server.h"
#include "modules/system/call/json.h"

namespace weir::app {

// The options of `weir inspect`.
struct InspectCommand {
    RemoteAddress server;
    bool all = false;     // however long the lists are
    bool json = false;    // print JSON for programs, and not text for people
    bool events = false;  // also the first events of each queue
};

// Asks the module `manager` of a running server what it does, and prints that. Returns the exit
// code.
int run_inspect_command(const InspectCommand& inspect);

// Returns what manager.inspect answers, as text for people. Throws nlohmann::json::exception if it
// is anything else.
std::string inspection_text(const Json& inspection);

}  // namespace weir::app
