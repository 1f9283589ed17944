#pragma once

#include <string>

namespace weir::app {

// Calls a function of a module of a running server, that has the module `resp`, and prints its
// result as JSON. Returns what to exit with.
int run_call_command(const std::string& address, const std::string& module,
                     const std::string& function, const std::string& parameters);

}  // namespace weir::app
