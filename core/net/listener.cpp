#include "core/net/listener.h"

#include <cerrno>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/net/socket_error.h"

namespace weir {
namespace {

int open_socket(int family) noexcept {
    return ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

// "unix:/path" without its kind.
std::string path_of(const SocketAddress& address) {
    return address.text().substr(5);
}

// Whether the file is a socket on which nobody listens.
bool is_stale(const SocketAddress& address) noexcept {
    struct stat file {};
    if (lstat(path_of(address).c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) {
        return false;
    }
    const int probe = open_socket(AF_UNIX);
    if (probe < 0) {
        return false;
    }
    const bool refused =
        ::connect(probe, address.data(), address.size()) != 0 && errno == ECONNREFUSED;
    ::close(probe);
    return refused;
}

}  // namespace

Listener::Owner Listener::listen(Scheduler& scheduler, const SocketAddress& address,
                                 const ListenOptions& options) {
    Owner listener(new Listener(scheduler, address));
    listener->open(options);
    return listener;
}

void Listener::open(const ListenOptions& options) {
    const std::string where = "listening on " + address_.text();
    uv_loop_t& loop = loop_of(scheduler());
    socket_ = open_socket(family());
    if (socket_ < 0) {
        throw SocketError(where, -errno);
    }
    const int on = 1;
    if (family() == AF_UNIX) {
        bind_unix();
    } else {
        setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (options.reuse_port) {
            setsockopt(socket_, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
        }
        if (::bind(socket_, address_.data(), address_.size()) != 0) {
            throw SocketError(where, -errno);
        }
    }
    if (::listen(socket_, options.backlog) != 0) {
        throw SocketError(where, -errno);
    }
    if (family() != AF_UNIX) {
        address_ = SocketAddress::local(socket_);
    }
    if (const int error = uv_poll_init(&loop, &handle_, socket_); error != 0) {
        throw SocketError(where, error);
    }
    handle_.data = this;
    open_ = true;
    resume();
}

void Listener::bind_unix() {
    int error = ::bind(socket_, address_.data(), address_.size()) == 0 ? 0 : errno;
    if (error == EADDRINUSE && is_stale(address_)) {
        unlink(path_of(address_).c_str());
        error = ::bind(socket_, address_.data(), address_.size()) == 0 ? 0 : errno;
    }
    if (error != 0) {
        throw SocketError("listening on " + address_.text(), -error);
    }
    struct stat file {};
    if (stat(path_of(address_).c_str(), &file) == 0) {
        device_ = file.st_dev;
        file_ = file.st_ino;
    }
}

void Listener::on_readable(uv_poll_t* handle, int, int) {
    // Of an error, accept() tells.
    static_cast<Listener*>(handle->data)->signal(SocketEvent::Type::readable);
}

int Listener::accept() noexcept {
    int socket;
    do {
        socket = ::accept4(socket_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (socket < 0 && (errno == EINTR || errno == ECONNABORTED));
    return socket >= 0 ? socket : errno == EWOULDBLOCK ? UV_EAGAIN : -errno;
}

void Listener::pause() noexcept {
    if (watching_) {
        watching_ = false;
        uv_poll_stop(&handle_);
    }
}

void Listener::resume() noexcept {
    if (!watching_) {
        watching_ = true;
        uv_poll_start(&handle_, UV_READABLE, on_readable);
    }
}

void Listener::close() noexcept {
    if (file_ != 0) {
        struct stat file {};
        const std::string path = path_of(address_);
        if (lstat(path.c_str(), &file) == 0 && file.st_dev == device_ && file.st_ino == file_) {
            unlink(path.c_str());
        }
    }
    if (!open_) {
        if (socket_ >= 0) {
            ::close(socket_);
        }
        delete this;
        return;
    }
    uv_poll_stop(&handle_);
    ::close(socket_);
    uv_close(reinterpret_cast<uv_handle_t*>(&handle_),
             [](uv_handle_t* handle) { delete static_cast<Listener*>(handle->data); });
}

}  // namespace weir
