#pragma once

#include <cstdint>
#include <string>

namespace weir::app {

// What `weir trace` is asked for.
struct TraceCommand {
    std::string address;
    double seconds = 10;
    std::uint32_t records = 500'000;
    std::string output = "weir-trace.json";  // "-": standard output
};

// Lets the module `manager` of a running server record what the server does, and writes it as a
// trace that Perfetto and chrome://tracing open. SIGINT and SIGTERM end the recording early; what
// there is then is written. Returns what to exit with.
int run_trace_command(const TraceCommand& trace);

}  // namespace weir::app
