#pragma once

#include <string>

#include "modules/system/call/json.h"

namespace weir::app {

// Asks the module `manager` of a running server for all that is there, and prints it, for people
// or as JSON. Returns what to exit with.
int run_inspect_command(const std::string& address, bool json);

// What manager.inspect answers, for people. Throws nlohmann::json::exception if it is not such.
std::string inspection_text(const Json& inspection);

}  // namespace weir::app
