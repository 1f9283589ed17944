#include "core/net/peer_user.h"

#include <sys/socket.h>

namespace weir {

std::optional<uid_t> peer_user_of(int socket, int family) noexcept {
    ucred peer{};
    socklen_t size = sizeof(peer);
    if (family != AF_UNIX || ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return {};
    }
    return peer.uid;
}

}  // namespace weir
