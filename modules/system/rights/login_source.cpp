#include "modules/system/rights/login_source.h"

#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace weir {

namespace {

std::string number_text(int family, const void* address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    return inet_ntop(family, address, text.data(), text.size()) == nullptr ? "" : text.data();
}

}  // namespace

std::string login_source(const SocketAddress& remote, std::optional<uid_t> peer_user) {
    if (remote.family() == AF_INET) {
        sockaddr_in address{};
        std::memcpy(&address, remote.data(), sizeof(address));
        return number_text(AF_INET, &address.sin_addr);
    }
    if (remote.family() == AF_INET6) {
        sockaddr_in6 address{};
        std::memcpy(&address, remote.data(), sizeof(address));
        if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr)) {
            return number_text(AF_INET, &address.sin6_addr.s6_addr[12]);
        }
        std::memset(&address.sin6_addr.s6_addr[8], 0, 8);
        return number_text(AF_INET6, &address.sin6_addr) + "/64";
    }
    return peer_user ? "the local user " + std::to_string(*peer_user) : "a local process";
}

}  // namespace weir
