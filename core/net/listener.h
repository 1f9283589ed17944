#pragma once

#include <memory>
#include <optional>

#include <sys/types.h>
#include <uv.h>

#include "core/net/address.h"
#include "core/net/handed_sockets.h"
#include "core/stream/socket_events.h"

namespace weir {

struct ListenOptions {
    int backlog = 2048;  // connections that the system keeps until they are accepted
    // TCP: several processes may listen on the same port; the system shares the connections out.
    bool reuse_port = false;
    // IPv6: leave IPv4 to another listener on the same port.
    bool only_ipv6 = false;
    // Unix: permissions and group of the socket's file, which it has before the first client can
    // connect; none: as the system makes files (umask).
    std::optional<mode_t> unix_mode = {};
    std::optional<gid_t> unix_group = {};
};

// A listening socket, TCP or Unix. While a connection waits to be accepted it signals `readable` on
// a Source that it is given; several listeners may share one.
//
// Removes the file of a Unix socket when it is closed. Replaces a file that another process has
// left behind, but not a socket on which a process listens, and no file of another kind.
//
// Lives on the heap; its owner closes it, as with Stream.
class Listener final {
public:
    struct Closer {
        void operator()(Listener* listener) const noexcept { listener->close(); }
    };
    using Owner = std::unique_ptr<Listener, Closer>;

    // Listens at the address. `source` must outlive the listener. Throws SocketError.
    static Owner listen(Scheduler& scheduler, const SocketAddress& address, Source& source,
                        const ListenOptions& options = {});
    // Listens with a socket that the supervisor has opened, by a duplicate of its descriptor; its
    // file, if it has one, stays. Throws SocketError.
    static Owner adopt(Scheduler& scheduler, const HandedSocket& socket, Source& source);

    int family() const noexcept { return address_.family(); }
    // Where it listens, with the port that the system has chosen.
    const SocketAddress& address() const noexcept { return address_; }

    // Returns a connected, non-blocking socket, which the caller closes, or one of libuv's error
    // codes: UV_EAGAIN if no connection waits. Connections are accepted in the order in which the
    // system has them.
    int accept() noexcept;

    // Stops signalling: connections wait in the system's backlog. Pausing twice is the same as
    // once.
    void pause() noexcept;
    void resume() noexcept;

    void close() noexcept;

private:
    Listener(const SocketAddress& address, Source& source) noexcept
        : address_(address), source_(source) {}
    ~Listener() = default;

    void open(uv_loop_t& loop, const ListenOptions& options);
    void watch(uv_loop_t& loop);
    void bind_tcp(const ListenOptions& options);
    void bind_unix(const ListenOptions& options);
    [[noreturn]] void fail(int error) const;

    SocketAddress address_;
    Source& source_;
    int socket_ = -1;
    bool open_ = false;  // the handle is initialised
    bool watching_ = false;
    dev_t device_ = 0;  // of the Unix socket's file
    ino_t file_ = 0;    // 0: none
    uv_poll_t handle_{};
};

}  // namespace weir
