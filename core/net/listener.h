#pragma once

#include <memory>
#include <string>

#include <sys/types.h>
#include <uv.h>

#include "core/net/address.h"
#include "core/net/socket_events.h"

namespace weir {

struct ListenOptions {
    int backlog = 2048;  // connections that the system keeps until they are accepted
    // TCP: several processes may listen on the same port; the system shares out the connections.
    bool reuse_port = false;
};

// A listening socket, TCP or Unix; `readable` is its SocketEvent: somebody connects.
//
// The file of a Unix socket is removed when it is closed. A file that was left behind by another
// process is replaced, but not one on which somebody listens.
//
// Lives on the heap; its owner closes it, as with Stream.
class Listener final : public Source {
public:
    struct Closer {
        void operator()(Listener* listener) const noexcept { listener->close(); }
    };
    using Owner = std::unique_ptr<Listener, Closer>;

    // Throws SocketError.
    static Owner listen(Scheduler& scheduler, const SocketAddress& address,
                        const ListenOptions& options = {});

    int family() const noexcept { return address_.family(); }
    // Where it listens, with the port that the system has chosen.
    const SocketAddress& address() const noexcept { return address_; }

    // A connected, non-blocking socket for the caller to close, or one of libuv's error codes:
    // UV_EAGAIN if nobody is waiting.
    int accept() noexcept;

    // While it is paused those who connect wait in the system's backlog. Pausing twice is the same
    // as once.
    void pause() noexcept;
    void resume() noexcept;

    void close() noexcept;

private:
    Listener(Scheduler& scheduler, const SocketAddress& address) noexcept
        : Source(scheduler), address_(address) {}
    ~Listener() = default;

    void open(const ListenOptions& options);
    void bind_unix();
    static void on_readable(uv_poll_t* handle, int status, int events);

    SocketAddress address_;
    int socket_ = -1;
    bool open_ = false;  // the handle is initialised
    bool watching_ = false;
    dev_t device_ = 0;  // of the Unix socket's file
    ino_t file_ = 0;    // 0: none
    uv_poll_t handle_;
};

}  // namespace weir
