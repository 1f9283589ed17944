#pragma once

#include "apps/weir/remote_server.h"

namespace weir::app {

// Asks the module `manager` of a running server for its metrics, and prints them in the text format
// of Prometheus. Returns the exit code.
int run_metrics_command(const RemoteAddress& address);

}  // namespace weir::app
