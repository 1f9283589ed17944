#pragma once

// Signals to `weir run` that come before its server can obey them. Until then SIGHUP and SIGUSR1
// are held back, and SIGINT and SIGTERM end the process at once and with success: nothing runs yet.
// By default the former would end it too, and a process that is the first of a container would
// never get SIGTERM. SIGPIPE and SIGXFSZ are ignored for good: a write to a closed pipe, or beyond
// the limit of file sizes, fails and is handled there.

#ifdef __cplusplus
extern "C" {
#endif

// To be called before anything else.
void weir_hold_early_signals(void);

// To be called when the server's own handlers are in place: a signal that was held back comes now.
void weir_release_early_signals(void);

#ifdef __cplusplus
}
#endif
