#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir {

// The owner's socket of a TCP port: a Unix socket beside it, in the folder for what programs need
// while they run, that only the user who runs the server, and root, can open. It has the number of
// the port, so that whoever knows the port finds it.

/// Returns the path for the socket of a server at the port, and makes its folder: in
/// $RUNTIME_DIRECTORY, which systemd gives to a service, else $XDG_RUNTIME_DIR/weir, else for root
/// /run/weir. Returns nothing if there is no such folder, or no file can be made there.
std::optional<std::string> owner_socket_path(std::uint16_t port);

/// Returns the sockets that there are for the port, of any server, nearest first. One may be stale.
std::vector<std::string> owner_sockets(std::uint16_t port);

}  // namespace weir
