#pragma once

#include "apps/weir/app_configuration.h"

namespace weir::app {

// Runs an app until it ends. The first SIGINT or SIGTERM lets every module clean up, the second
// ends the app at once. SIGHUP reads the configuration again and applies what changed; a
// configuration with mistakes is logged, and the old one stays. Returns the exit code.
int run_app(const AppFiles& app);

// Reports all mistakes of an app's configuration, without running it. Returns the exit code.
int check_app(const AppFiles& app);

}  // namespace weir::app
