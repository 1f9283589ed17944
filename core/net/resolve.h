#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/net/address.h"
#include "core/run/task.h"

namespace weir {

class Scheduler;

// co_await resolve(scheduler, address): the socket addresses that an address stands for, best
// first; at least one. Names are looked up on libuv's threads, so that the loop goes on; numbers
// and Unix sockets need no look-up. `to_listen`: an empty host is every address of this machine,
// and not this machine itself. Throws SocketError.
Task<std::vector<SocketAddress>> resolve(Scheduler& scheduler, Address address,
                                         bool to_listen = false);

}  // namespace weir
