#pragma once

#include <vector>

#include "core/net/address.h"
#include "core/run/task.h"

namespace weir {

class Scheduler;

enum class ResolveFor {
    connecting,  // an empty host is this machine
    listening,   // an empty host is every address of this machine
};

// co_await resolve(scheduler, address): returns the socket addresses that an address stands for, at
// least one. To connect, try them in their order. To listen, listen at all of them; an IPv4 address
// comes before IPv6. Throws SocketError.
//
// Looks each name up on a thread of its own, once for all that ask at the same time: a name whose
// server is silent delays no other, up to 64 such names. A routine may leave at any time. An empty
// host and `localhost` are IPv4 and IPv6 whatever the system's files say, and like numbers and Unix
// sockets need no look-up.
Task<std::vector<SocketAddress>> resolve(Scheduler& scheduler, Address address,
                                         ResolveFor purpose = ResolveFor::connecting);

}  // namespace weir
