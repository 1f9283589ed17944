#pragma once

namespace weir::app {

// The exit codes of the commands of `weir`. `weir lock` exits with the code of the command that it
// runs, or with a code from `timed_out` on, as timeout(1), env(1) and a shell do.
enum ExitCode : int {
    success = 0,
    failure = 1,        // the command failed
    wrong_usage = 2,    // of the command line, or a configuration with mistakes
    timed_out = 124,    // the lock was not free in time
    lock_failed = 125,  // no lock: the server cannot be reached, or refuses; or it was lost
    cannot_execute = 126,
    not_found = 127,  // there is no such program
    killed = 128,     // plus the number of the signal
};

}  // namespace weir::app
