#include "apps/weir/server_socket.h"

#include <algorithm>
#include <cerrno>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apps/weir/connection_error.h"
#include "apps/weir/output.h"
#include "apps/weir/resp_connect.h"
#include "config/text/quoted.h"

namespace weir::app {

namespace {

std::shared_ptr<TlsContext> tls_context(const TlsFiles& files) {
    TlsOptions options;
    options.authorities = files.authorities;
    if (!files.certificate.empty()) {
        const std::string& key = files.key.empty() ? files.certificate : files.key;
        options.certificates = {{files.certificate, key}};
    }
    return TlsContext::client(std::move(options));
}

}  // namespace

ServerSocket::ServerSocket(const std::string& address, const TlsFiles& files, Clock::time_point end)
    : socket_(connect_to(address, end)) {
    const std::optional<std::string> host = tls_host(address);
    if (!host) {
        return;
    }
    try {
        shake_hands(*host, files, end);
    } catch (const std::exception& error) {
        close();
        throw ConnectionError("cannot connect to " + config::printable(address, 200) + ": " +
                              error.what());
    }
}

ServerSocket::~ServerSocket() {
    close();
}

void ServerSocket::close() noexcept {
    if (tls_ != nullptr) {
        tls_->say_goodbye();
    }
    ::close(socket_);
}

void ServerSocket::shake_hands(const std::string& host, const TlsFiles& files,
                               Clock::time_point end) {
    tls_ = tls_context(files)->connect(*this, host);
    for (;;) {
        const TlsStep step = tls_->shake_hands();
        if (step == TlsStep::done) {
            return;
        }
        if (step == TlsStep::failed) {
            throw ConnectionError("TLS: " + config::printable(tls_->failure()));
        }
        if (step != TlsStep::waiting) {
            throw ConnectionError("the server closed the connection during the TLS handshake" +
                                  (error_ == 0 ? "" : ": " + reason(error_)) +
                                  " (does the port speak TLS?)");
        }
        if (!wait_for(socket_, has_unsent() ? POLLIN | POLLOUT : POLLIN, end)) {
            throw ConnectionError("it does not answer in time");
        }
        flush();
    }
}

// --- bytes

void ServerSocket::send(std::string_view bytes) {
    if (tls_ == nullptr) {
        give(bytes);
    } else if (tls_->write(bytes) == TlsStep::done) {
        flush();
    }
}

std::optional<std::size_t> ServerSocket::receive(std::span<char> target) {
    std::size_t count = 0;
    if (tls_ == nullptr) {
        const std::optional<std::size_t> taken = take(target);
        if (taken && *taken == 0) {
            throw_closed();
        }
        return taken;
    }
    switch (tls_->read(target, count)) {
        case TlsStep::done:
            return count;
        case TlsStep::waiting:
            return std::nullopt;
        case TlsStep::ended:
        case TlsStep::cut:
            throw_closed();
        case TlsStep::failed:
            break;
    }
    throw ConnectionError("TLS: " + config::printable(tls_->failure()));
}

void ServerSocket::throw_closed() const {
    throw ConnectionClosed(error_ == 0 ? "the server closed the connection" : reason(error_));
}

// --- the socket

std::optional<std::size_t> ServerSocket::take(std::span<char> target) noexcept {
    ssize_t size = 0;
    do {
        size = recv(socket_, target.data(), target.size(), MSG_DONTWAIT);
    } while (size < 0 && errno == EINTR);
    if (size < 0 && errno == EAGAIN) {
        return std::nullopt;
    }
    error_ = size < 0 ? errno : 0;
    return size < 0 ? 0 : static_cast<std::size_t>(size);
}

void ServerSocket::give(std::string_view bytes) {
    unsent_ += bytes;
    flush();
}

void ServerSocket::flush() noexcept {
    std::size_t done = 0;
    while (done != unsent_.size()) {
        const ssize_t sent = ::send(socket_, unsent_.data() + done, unsent_.size() - done,
                                    MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            done += static_cast<std::size_t>(sent);
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            done = unsent_.size();
        }
    }
    unsent_.erase(0, done);
}

}  // namespace weir::app
