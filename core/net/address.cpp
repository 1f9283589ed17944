#include "core/net/address.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <new>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

namespace weir {
namespace {

constexpr std::string_view expected =
    "; an address is tcp://host:port, tcp://[ipv6 address]:port, tls:// with either, unix:/path, "
    "or "
    "systemd:name for servers";

[[noreturn]] void reject(std::string_view text, const std::string& what) {
    throw AddressError("address '" + std::string(text) + "': " + what + std::string(expected));
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) {
        return false;
    }
    text.remove_prefix(prefix.size());
    return true;
}

std::uint16_t parse_port(std::string_view all, std::string_view digits) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
        reject(all, "the port '" + std::string(digits) + "' is not a number from 0 to 65535");
    }
    return port;
}

}  // namespace

// --- Address

Address Address::parse(std::string_view text, std::optional<std::uint16_t> default_port) {
    std::string_view rest = text;
    Address address;
    if (take_prefix(rest, "unix:")) {
        if (rest.starts_with("//")) {
            rest.remove_prefix(2);
        }
        if (rest.empty()) {
            reject(text, "the path is missing");
        }
        address.kind = Kind::unix_socket;
        address.path = rest;
        try {
            SocketAddress::of_unix(address.path);
        } catch (const AddressError& error) {
            reject(text, error.what());
        }
        return address;
    }
    if (take_prefix(rest, "systemd:")) {
        if (rest.empty()) {
            reject(text, "the name is missing");
        }
        address.kind = Kind::systemd;
        address.name = rest;
        return address;
    }
    address.tls = take_prefix(rest, "tls://");
    if (!address.tls && !take_prefix(rest, "tcp://")) {
        reject(text, rest.find(':') == std::string_view::npos ? "it begins with no kind"
                                                              : "its kind is unknown");
    }
    if (take_prefix(rest, "[")) {
        const std::size_t end = rest.find(']');
        if (end == std::string_view::npos) {
            reject(text, "a ']' is missing");
        }
        address.host = rest.substr(0, end);
        in6_addr ignored;
        if (inet_pton(AF_INET6, address.host.c_str(), &ignored) != 1) {
            reject(text, "'" + address.host + "' is not an IPv6 address");
        }
        rest.remove_prefix(end + 1);
    } else {
        const std::size_t end = std::min(rest.find(':'), rest.size());
        address.host = rest.substr(0, end);
        rest.remove_prefix(end);
        if (std::count(rest.begin(), rest.end(), ':') > 1) {
            reject(text, "an IPv6 address needs brackets");
        }
        if (address.host.find_first_of("/@ ") != std::string::npos) {
            reject(text, "'" + address.host + "' is not a host");
        }
    }
    if (take_prefix(rest, ":")) {
        address.port = parse_port(text, rest);
    } else if (!rest.empty()) {
        reject(text, "'" + std::string(rest) + "' is not expected after the host");
    } else if (default_port) {
        address.port = *default_port;
    } else {
        reject(text, "the port is missing");
    }
    return address;
}

std::string Address::text() const {
    if (kind == Kind::unix_socket) {
        return "unix:" + path;
    }
    if (kind == Kind::systemd) {
        return "systemd:" + name;
    }
    const bool brackets = host.find(':') != std::string::npos;
    return (tls ? "tls://" : "tcp://") + (brackets ? '[' + host + ']' : host) + ':' +
           std::to_string(port);
}

// --- SocketAddress

SocketAddress::SocketAddress(const sockaddr* address, socklen_t length) noexcept
    : size_(std::min<socklen_t>(length, sizeof(sockaddr_un))) {
    if (size_ > sizeof(tcp_)) {
        try {
            const auto named = std::make_shared<sockaddr_un>();
            std::memcpy(named.get(), address, size_);
            unix_ = named;
            return;
        } catch (const std::bad_alloc&) {
            size_ = sizeof(address->sa_family);  // as of a socket without a name
        }
    }
    std::memcpy(&tcp_, address, size_);
}

SocketAddress SocketAddress::of_unix(const std::string& path) {
    sockaddr_un address{};
    if (path.empty() || path.size() >= sizeof(address.sun_path)) {
        throw AddressError("the path of a Unix socket has 1 to " +
                           std::to_string(sizeof(address.sun_path) - 1) + " bytes, not " +
                           std::to_string(path.size()));
    }
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    return {reinterpret_cast<const sockaddr*>(&address), sizeof(address)};
}

std::optional<SocketAddress> SocketAddress::of_number(const std::string& host, std::uint16_t port) {
    sockaddr_in v4{};
    if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        return SocketAddress(reinterpret_cast<const sockaddr*>(&v4), sizeof(v4));
    }
    sockaddr_in6 v6{};
    if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        return SocketAddress(reinterpret_cast<const sockaddr*>(&v6), sizeof(v6));
    }
    return std::nullopt;
}

SocketAddress SocketAddress::local(int socket) noexcept {
    sockaddr_storage storage{};
    socklen_t size = sizeof(storage);
    auto* address = reinterpret_cast<sockaddr*>(&storage);
    return getsockname(socket, address, &size) == 0 ? SocketAddress(address, size)
                                                    : SocketAddress();
}

SocketAddress SocketAddress::remote(int socket) noexcept {
    sockaddr_storage storage{};
    socklen_t size = sizeof(storage);
    auto* address = reinterpret_cast<sockaddr*>(&storage);
    return getpeername(socket, address, &size) == 0 ? SocketAddress(address, size)
                                                    : SocketAddress();
}

std::uint16_t SocketAddress::port() const noexcept {
    switch (family()) {
        case AF_INET:
            return ntohs(reinterpret_cast<const sockaddr_in&>(*data()).sin_port);
        case AF_INET6:
            return ntohs(reinterpret_cast<const sockaddr_in6&>(*data()).sin6_port);
        default:
            return 0;
    }
}

SocketAddress SocketAddress::with_port(std::uint16_t port) const noexcept {
    assert(family() == AF_INET || family() == AF_INET6);
    SocketAddress other = *this;
    if (family() == AF_INET) {
        reinterpret_cast<sockaddr_in&>(other.tcp_).sin_port = htons(port);
    } else {
        other.tcp_.sin6_port = htons(port);
    }
    return other;
}

bool SocketAddress::is_local() const noexcept {
    switch (family()) {
        case AF_INET: {
            const auto& address = reinterpret_cast<const sockaddr_in&>(*data()).sin_addr;
            return ntohl(address.s_addr) >> 24U == 127;
        }
        case AF_INET6: {
            const auto& address = reinterpret_cast<const sockaddr_in6&>(*data()).sin6_addr;
            return IN6_IS_ADDR_LOOPBACK(&address);
        }
        default:
            return family() == AF_UNIX;
    }
}

std::string SocketAddress::text() const {
    char host[INET6_ADDRSTRLEN] = "";
    switch (family()) {
        case AF_INET:
            inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(*data()).sin_addr, host,
                      sizeof(host));
            return std::string("tcp://") + host + ':' + std::to_string(port());
        case AF_INET6:
            inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(*data()).sin6_addr, host,
                      sizeof(host));
            return std::string("tcp://[") + host + "]:" + std::to_string(port());
        case AF_UNIX: {
            const auto& address = reinterpret_cast<const sockaddr_un&>(*data());
            const std::size_t length =
                size_ > offsetof(sockaddr_un, sun_path)
                    ? strnlen(address.sun_path, size_ - offsetof(sockaddr_un, sun_path))
                    : 0;
            return "unix:" + std::string(address.sun_path, length);
        }
        default:
            return "no address";
    }
}

}  // namespace weir
