#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace weir::app {

// Returns a socket that is connected to a server, non-blocking and closed on exec. `address` is
// "host:port" or "[::1]:port", with or without "tcp://", or "unix:/path"; for a port of this
// machine the owner's socket beside it, if this user can open it. With "tls://" it is always the
// port, and TLS is for the caller. Throws ConnectionError when the
// server cannot be reached before `end`, the time for finding its name included, and
// std::invalid_argument for what is no address.
int connect_to(const std::string& address, std::chrono::steady_clock::time_point end);

// Returns the host of a "tls://" address, which the server's certificate has to name; nothing for
// other addresses. Throws std::invalid_argument for what is no address.
std::optional<std::string> tls_host(const std::string& address);

// Waits until the socket is ready for one of the events of poll(2). Returns false at `end`.
bool wait_for(int socket, int events, std::chrono::steady_clock::time_point end);

}  // namespace weir::app
