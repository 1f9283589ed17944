#pragma once

#include <optional>

#include <sys/types.h>

namespace weir {

// Returns the user as whom the process at the other end of a connected Unix socket runs; nothing
// for sockets of other families. `family`: that of the socket.
std::optional<uid_t> peer_user_of(int socket, int family) noexcept;

}  // namespace weir
