#pragma once

#include <optional>

#include <sys/types.h>

#include "core/net/address.h"

namespace weir {

// Returns the user at the other end of a TCP connection within this machine, as the kernel knows
// it: the user that the peer's process ran as when it made its socket. `local` and `remote` are the
// connection's addresses, as the caller's socket has them.
//
// Returns nothing if an address is no loopback address (127.0.0.0/8, ::1, also as an IPv6 form of
// an IPv4 address), if no process holds the peer's socket any more, or if the kernel does not tell:
// as across network namespaces, or in a sandbox without netlink.
//
// Asks the kernel, which answers at once (a few system calls); does not wait for anything else.
std::optional<uid_t> loopback_peer_user(const SocketAddress& local,
                                        const SocketAddress& remote) noexcept;

}  // namespace weir
