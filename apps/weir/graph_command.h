#pragma once

#include <string>
#include <vector>

#include "apps/weir/app_configuration.h"
#include "modules/system/module/module_class.h"

namespace weir::app {

// Returns a picture of the flows, as text for Mermaid. Each end and each arrow is in it once.
std::string mermaid(const std::vector<Flow>& flows);

// Prints a picture of what an app connects: events, functions, and what its settings do with them.
// Starts nothing. Returns the exit code.
int run_graph_command(const AppFiles& app);

}  // namespace weir::app
