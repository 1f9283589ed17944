#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/weir/resp_client.h"

namespace weir::app {

// What `weir lock` is asked for.
struct LockCommand {
    std::string key;
    std::string context;
    std::string server = std::string(RespClient::default_address);
    std::string password;               // from WEIR_PASSWORD; empty: none
    std::optional<double> timeout;      // seconds to wait for the lock
    std::optional<unsigned> semaphore;  // how many may hold it
    bool only_warn = false;             // when the lock is lost, let the command go on
    std::vector<std::string> command;
};

// Runs a command while holding a lock of a lockd: waits for the lock, starts the command with the
// fencing token in WEIR_LOCK_TOKEN, passes signals on to it, and gives the lock back when it ends.
// If the lock is lost meanwhile - the connection is, and with it the lock - the command is told to
// end, and killed if it does not. Returns what to exit with.
int run_lock_command(const LockCommand& lock);

}  // namespace weir::app
