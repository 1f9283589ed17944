#pragma once

#include <cstdint>
#include <string>

#include "apps/weir/remote_server.h"

namespace weir::app {

// The options of `weir trace`.
struct TraceCommand {
    RemoteAddress server;
    double seconds = 10;
    std::uint32_t records = 500'000;
    std::string output = "weir-trace.json";  // "-": standard output
};

// Lets the module `manager` of a running server record what the server does, and writes it as a
// trace that Perfetto and chrome://tracing open. SIGINT and SIGTERM end the recording early; what
// was recorded until then is written. Returns the exit code.
int run_trace_command(const TraceCommand& trace);

}  // namespace weir::app
