#pragma once

#include "apps/weir/app_configuration.h"

namespace weir::app {

// Runs an app until it ends, or SIGINT or SIGTERM says so: the first lets everything clean up, the
// second ends it at once. SIGHUP reads the configuration again and applies what changed, or keeps
// the old one and says why. Returns what to exit with.
int run_app(const AppFiles& app);

// Reports all that is wrong with an app's configuration, without running it.
int check_app(const AppFiles& app);

}  // namespace weir::app
