#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace weir {

// Thrown for a text that is no address; what() says what is wrong with it and what is expected.
class AddressError : public std::invalid_argument {
public:
    using std::invalid_argument::invalid_argument;
};

// The address of a server, as it stands in a configuration:
//
//     tcp://host:port    a name or an IPv4 address. A name, and `localhost`, stands for all its
//                        addresses, IPv4 and IPv6: servers listen at all, clients try each in turn
//     tcp://:port        servers: every IPv4 and IPv6 address of this machine; clients: localhost
//     tcp://[::1]:port   an IPv6 address
//     tls://host:port    the same as tcp, with TLS on it
//     unix:/path         a socket in the file system; unix:path is relative
//     systemd:NAME       servers only: the sockets of that name that the supervisor has opened
//
// A server with port 0 listens at a port that the system chooses.
struct Address {
    enum class Kind { tcp, unix_socket, systemd };

    Kind kind = Kind::tcp;
    std::string host;        // of tcp, without brackets
    std::uint16_t port = 0;  // of tcp
    bool tls = false;        // of tcp
    std::string path;        // of unix_socket
    std::string name;        // of systemd; TLS is up to the server

    // Throws AddressError. The port may be left out where there is a default.
    static Address parse(std::string_view text, std::optional<std::uint16_t> default_port = {});

    // Returns the text that parse() reads.
    std::string text() const;
};

// The address of a socket in numbers, as system calls take it. Small, since each connection has
// three.
class SocketAddress {
public:
    // Makes no address, as an unnamed socket has it.
    SocketAddress() noexcept = default;
    SocketAddress(const sockaddr* address, socklen_t length) noexcept;

    // Throws AddressError if the path is longer than the system allows, or empty.
    static SocketAddress of_unix(const std::string& path);
    // Returns nothing if the host is not an IPv4 or IPv6 address in numbers.
    static std::optional<SocketAddress> of_number(const std::string& host, std::uint16_t port);
    // Return the address of an open socket, and that of its peer.
    static SocketAddress local(int socket) noexcept;
    static SocketAddress remote(int socket) noexcept;

    int family() const noexcept { return data()->sa_family; }
    std::uint16_t port() const noexcept;  // 0 if it has none
    // Returns the same address with another port. Requires that it is one of TCP.
    SocketAddress with_port(std::uint16_t port) const noexcept;
    // Whether only this machine can reach it.
    bool is_local() const noexcept;
    const sockaddr* data() const noexcept {
        return unix_ != nullptr ? reinterpret_cast<const sockaddr*>(unix_.get())
                                : reinterpret_cast<const sockaddr*>(&tcp_);
    }
    socklen_t size() const noexcept { return size_; }

    // tcp://127.0.0.1:80, tcp://[::1]:80, unix:/path; unix: for a Unix socket without a name.
    std::string text() const;

    friend bool operator==(const SocketAddress& a, const SocketAddress& b) noexcept {
        return a.size_ == b.size_ && std::memcmp(a.data(), b.data(), a.size_) == 0;
    }

private:
    sockaddr_in6 tcp_{};  // or shorter, as that of IPv4, or of a Unix socket without a name
    socklen_t size_ = 0;
    // An address that is longer: that of a Unix socket with a name. Shared by the copies.
    std::shared_ptr<const sockaddr_un> unix_;
};

}  // namespace weir
