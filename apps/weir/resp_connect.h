#pragma once

#include <chrono>
#include <string>

namespace weir::app {

// Returns a socket that is connected to a server, non-blocking and closed on exec. `address` is
// "host:port" or "[::1]:port", with or without "tcp://", or "unix:/path"; for a port of this
// machine the owner's socket beside it, if this user can open it. Throws ConnectionError when the
// server cannot be reached before `end`, the time for finding its name included, and
// std::invalid_argument for what is no address.
int connect_to(const std::string& address, std::chrono::steady_clock::time_point end);

}  // namespace weir::app
