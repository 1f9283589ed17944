#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/weir/credentials.h"
#include "apps/weir/resp_client.h"

namespace weir::app {

// The options of `weir lock`.
struct LockCommand {
    std::string key;
    std::string context;
    std::string server = std::string(RespClient::default_address);
    std::optional<double> timeout;                      // seconds to wait for the lock
    std::optional<unsigned> semaphore;                  // how many clients may hold it
    bool read = false;                                  // together with others that read
    double server_timeout = RespClient::default_limit;  // seconds for connecting and for answers
    double kill_after = 10;  // seconds for the command to end after SIGTERM, when the lock is lost
    Credentials credentials = {};
    TlsFiles tls = {};
    bool verbose = false;    // say how long the line for the lock is
    bool only_warn = false;  // when the lock is lost, let the command go on
    std::vector<std::string> command;
};

// Runs a command while holding a lock of a lockd: waits for the lock, starts the command with the
// fencing token in WEIR_LOCK_TOKEN and without WEIR_PASSWORD, and releases the lock when the
// command ends. If the lock is lost before - the connection is closed, or the server does not
// answer - the command and all that it started get SIGTERM, and SIGKILL if they live on. Returns
// the exit code.
int run_lock_command(const LockCommand& lock);

}  // namespace weir::app
