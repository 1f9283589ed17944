#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <sys/socket.h>

namespace weir {

// A text that is no address; what() names the text, what is wrong with it and what is expected.
class AddressError : public std::invalid_argument {
public:
    using std::invalid_argument::invalid_argument;
};

// Where a server listens or a client connects to, as people write it:
//
//     tcp://host:port    a name or an IPv4 address; a server without host listens on all addresses
//     tcp://[::1]:port   an IPv6 address; port 0 lets the system choose one for a server
//     unix:/path         a socket in the file system; unix:path is relative
struct Address {
    enum class Kind { tcp, unix_socket };

    Kind kind = Kind::tcp;
    std::string host;        // of tcp, without brackets
    std::uint16_t port = 0;  // of tcp
    std::string path;        // of unix_socket

    // Throws AddressError. The port may be left out where there is a default.
    static Address parse(std::string_view text, std::optional<std::uint16_t> default_port = {});

    // The text that parse() reads.
    std::string text() const;
};

// The address of a socket, as the system has it.
class SocketAddress {
public:
    // No address: that of a socket without a name.
    SocketAddress() noexcept = default;
    SocketAddress(const sockaddr* address, socklen_t length) noexcept;

    // Throws AddressError if the path is longer than the system allows, or empty.
    static SocketAddress of_unix(const std::string& path);
    // Of an IPv4 or IPv6 address in numbers; nothing if the host is not one.
    static std::optional<SocketAddress> of_number(const std::string& host, std::uint16_t port);
    // Of an open socket: its own, and its peer's.
    static SocketAddress local(int socket) noexcept;
    static SocketAddress remote(int socket) noexcept;

    int family() const noexcept { return storage_.ss_family; }
    std::uint16_t port() const noexcept;  // 0 if it has none
    const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
    socklen_t size() const noexcept { return size_; }

    // tcp://127.0.0.1:80, tcp://[::1]:80, unix:/path; unix: for a Unix socket without a name.
    std::string text() const;

private:
    sockaddr_storage storage_{};
    socklen_t size_ = 0;
};

}  // namespace weir
