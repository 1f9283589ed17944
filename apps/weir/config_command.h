#pragma once

#include "apps/weir/app_configuration.h"

namespace weir::app {

struct ConfigCommand {
    AppFiles app;
    bool json = false;
    bool given = false;  // only what is not the default
};

// Prints the settings that an app runs with, and where each value comes from. Returns the exit
// code.
int run_config_command(const ConfigCommand& command);

}  // namespace weir::app
