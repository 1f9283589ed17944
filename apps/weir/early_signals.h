#pragma once

namespace weir::app {

// Signals to `weir run` that come before its server can obey them. From before main() on, SIGHUP is
// held back, and SIGINT and SIGTERM end the process at once and with success: nothing runs yet. By
// default SIGHUP would end it too, and a process that is the first of a container would never get
// SIGTERM. SIGPIPE and SIGXFSZ are ignored for good: a write to a closed pipe, or beyond the limit
// of file sizes, fails and is handled there.
//
// To be called when the server's own handlers are in place: a SIGHUP that was held back comes now.
void release_early_signals() noexcept;

}  // namespace weir::app
