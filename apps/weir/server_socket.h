#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/tls/tls_session.h"

namespace weir::app {

// Files in PEM format, for tls:// addresses.
struct TlsFiles {
    std::string authorities;  // that sign the server's certificate; empty: those of the system
    std::string certificate;  // that is shown to the server; empty: none
    std::string key;          // of the certificate; empty: in the same file
};

// A connection to a server: a socket that is closed on exec, with TLS on it for tls:// addresses.
// Only the constructor waits. Writing to a closed connection sends no signal.
class ServerSocket final : private TlsCarrier {
public:
    using Clock = std::chrono::steady_clock;

    // Connects, as connect_to(), and with TLS verifies the server. Throws ConnectionError when that
    // is not done before `end`, and std::invalid_argument for what is no address.
    ServerSocket(const std::string& address, const TlsFiles& files, Clock::time_point end);
    ServerSocket(const ServerSocket&) = delete;
    ServerSocket& operator=(const ServerSocket&) = delete;
    ~ServerSocket();

    int descriptor() const noexcept { return socket_; }

    // Sends bytes, and keeps what the socket does not take now for the next send(). That the
    // connection is closed is for receive() to say: the server may have said why before.
    void send(std::string_view bytes);
    // Whether bytes are kept: poll for POLLOUT, and call send({}).
    bool has_unsent() const noexcept { return !unsent_.empty(); }
    // Returns how many bytes it has put into `target`; nothing: none have arrived. When it returns
    // nothing, polling for POLLIN shows whether there are more. Throws ConnectionError, which is a
    // ConnectionClosed unless the bytes are no TLS.
    std::optional<std::size_t> receive(std::span<char> target);

private:
    void shake_hands(const std::string& host, const TlsFiles& files, Clock::time_point end);
    void close() noexcept;
    void flush() noexcept;
    std::optional<std::size_t> take(std::span<char> target) noexcept override;
    void give(std::string_view bytes) override;
    [[noreturn]] void throw_closed() const;

    int socket_;
    int error_ = 0;  // with which reading has ended; 0: in order
    std::string unsent_;
    std::unique_ptr<TlsSession> tls_;  // null: plain
};

}  // namespace weir::app
