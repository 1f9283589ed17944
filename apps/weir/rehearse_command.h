#pragma once

#include <string>

#include "apps/weir/app_configuration.h"

namespace weir::app {

struct RehearseCommand {
    std::string file;  // of the app
    AppFiles app;      // but for its file
    std::string module = "rules";
    std::string input;  // a file with JSON; "-": standard input
};

// Prints what a module of the app would do with an input, without doing it. Starts nothing. Returns
// the exit code.
int run_rehearse_command(const RehearseCommand& command);

}  // namespace weir::app
