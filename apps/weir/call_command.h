#pragma once

#include <string>

#include "apps/weir/remote_server.h"

namespace weir::app {

// The options of `weir call`.
struct CallCommand {
    // Longer than for other commands: reloading a module waits until its old version is idle.
    RemoteAddress server{.address = {}, .timeout = 20};
    std::string module;
    std::string function;
    std::string parameters = "{}";  // JSON
};

// Calls a function of a module of a running server that has the module `resp`, and prints its
// result as JSON. Returns the exit code.
int run_call_command(const CallCommand& call);

}  // namespace weir::app
