#pragma once

#include <optional>
#include <string>

#include <sys/types.h>

#include "core/net/address.h"

namespace weir {

/// Returns the source of a client's logins, as Login::source has it: an IPv4 address, the /64
/// network of an IPv6 address, of which an attacker may have all, or the user at the other end of a
/// Unix socket.
std::string login_source(const SocketAddress& remote, std::optional<uid_t> peer_user);

}  // namespace weir
