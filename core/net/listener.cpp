#include "core/net/listener.h"

#include <cassert>
#include <cerrno>
#include <string>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/net/socket_error.h"

namespace weir {
namespace {

int open_socket(int family) noexcept {
    return ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

void set_option(int socket, int level, int name) noexcept {
    const int on = 1;
    setsockopt(socket, level, name, &on, sizeof(on));
}

// "unix:/path" without its kind.
std::string path_of(const SocketAddress& address) {
    return address.text().substr(5);
}

bool is_socket(const SocketAddress& address) noexcept {
    struct stat file {};
    return lstat(path_of(address).c_str(), &file) == 0 && S_ISSOCK(file.st_mode);
}

// Whether no process listens on the socket.
bool is_stale(const SocketAddress& address) noexcept {
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

Listener::Owner Listener::listen(Scheduler& scheduler, const SocketAddress& address, Source& source,
                                 const ListenOptions& options) {
    uv_loop_t& loop = loop_of(scheduler);
    Owner listener(new Listener(address, source));
    listener->open(loop, options);
    return listener;
}

Listener::Owner Listener::adopt(Scheduler& scheduler, const HandedSocket& socket, Source& source) {
    uv_loop_t& loop = loop_of(scheduler);
    Owner listener(new Listener(socket.address, source));
    listener->socket_ = ::fcntl(socket.descriptor, F_DUPFD_CLOEXEC, 0);
    if (listener->socket_ < 0 || ::fcntl(listener->socket_, F_SETFL, O_NONBLOCK) != 0) {
        listener->fail(-errno);
    }
    listener->watch(loop);
    return listener;
}

void Listener::fail(int error) const {
    std::string detail;
    const HandedSocket* const handed = HandedSockets::of_process().at(address_);
    if (error == UV_EADDRINUSE && handed != nullptr) {
        detail = SocketError::reason(error) +
                 ", by the supervisor, for this process: listen at systemd:" + handed->name;
    }
    throw SocketError("listening on " + address_.text(), error, detail);
}

void Listener::open(uv_loop_t& loop, const ListenOptions& options) {
    socket_ = open_socket(family());
    if (socket_ < 0) {
        fail(-errno);
    }
    if (family() == AF_UNIX) {
        bind_unix(options);
    } else {
        bind_tcp(options);
    }
    if (::listen(socket_, options.backlog) != 0) {
        fail(-errno);
    }
    if (family() != AF_UNIX) {
        address_ = SocketAddress::local(socket_);
    }
    watch(loop);
}

void Listener::watch(uv_loop_t& loop) {
    if (const int error = uv_poll_init(&loop, &handle_, socket_); error != 0) {
        fail(error);
    }
    handle_.data = this;
    open_ = true;
    resume();
}

void Listener::bind_tcp(const ListenOptions& options) {
    set_option(socket_, SOL_SOCKET, SO_REUSEADDR);
    if (options.reuse_port) {
        set_option(socket_, SOL_SOCKET, SO_REUSEPORT);
    }
    if (options.only_ipv6 && family() == AF_INET6) {
        set_option(socket_, IPPROTO_IPV6, IPV6_V6ONLY);
    }
    if (::bind(socket_, address_.data(), address_.size()) != 0) {
        fail(-errno);
    }
}

void Listener::bind_unix(const ListenOptions& options) {
    int error = ::bind(socket_, address_.data(), address_.size()) == 0 ? 0 : errno;
    if (error == EADDRINUSE) {
        if (!is_socket(address_)) {
            fail(UV_EEXIST);
        }
        if (is_stale(address_)) {
            unlink(path_of(address_).c_str());
            error = ::bind(socket_, address_.data(), address_.size()) == 0 ? 0 : errno;
        }
    }
    if (error != 0) {
        fail(-error);
    }
    struct stat file {};
    if (stat(path_of(address_).c_str(), &file) == 0) {
        device_ = file.st_dev;
        file_ = file.st_ino;
    }
    const std::string path = path_of(address_);
    if (options.unix_group && chown(path.c_str(), static_cast<uid_t>(-1), *options.unix_group)) {
        fail(-errno);
    }
    if (options.unix_mode && chmod(path.c_str(), *options.unix_mode) != 0) {
        fail(-errno);
    }
}

int Listener::accept() noexcept {
    assert(open_);
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
        // An error of the socket is returned by accept().
        uv_poll_start(&handle_, UV_READABLE, [](uv_poll_t* handle, int, int) {
            static_cast<Listener*>(handle->data)->source_.signal(SocketEvent::Type::readable);
        });
    }
}

void Listener::close() noexcept {
    if (file_ != 0) {
        // Another process may have replaced the file meanwhile.
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
