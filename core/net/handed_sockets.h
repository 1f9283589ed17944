#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/net/address.h"

namespace weir {

// A listening socket that the supervisor has opened.
struct HandedSocket {
    std::string name;
    int descriptor = -1;
    SocketAddress address;  // none if the descriptor is no socket
};

// The sockets that the supervisor of this process has opened and handed over (socket activation,
// as systemd has it): the descriptors from 3 on, as many as LISTEN_FDS says, with the names of
// LISTEN_FDNAMES. A server at the address `systemd:NAME` listens at all of that name.
//
// They stay open as long as the process, and a listener takes a duplicate: clients that connect
// while nothing listens, as in a restart, wait in the system's backlog. May be used by any thread.
class HandedSockets {
public:
    // Returns those of this process, which the first call finds by the environment.
    static const HandedSockets& of_process();

    // Finds them by the values of the variables LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES; null:
    // not set. None if LISTEN_PID names another process. `first`: the first descriptor.
    HandedSockets(const char* process, const char* count, const char* names, int first = 3);

    const std::vector<HandedSocket>& all() const noexcept { return sockets_; }
    // Returns at least one. Throws SocketError if there is none of that name, or if one does not
    // listen for streams.
    std::vector<HandedSocket> named(const std::string& name) const;
    // Returns the one that listens at the address; null: none does.
    const HandedSocket* at(const SocketAddress& address) const noexcept;

private:
    std::vector<HandedSocket> sockets_;
};

}  // namespace weir
