#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <uv.h>

#include "core/base/clock.h"
#include "core/net/address.h"
#include "core/run/uv_poller.h"
#include "core/stream/byte_stream.h"

namespace weir {

// When the system probes a silent TCP peer, in whole seconds. A peer that answers none of the
// probes is gone `idle + interval * count` after it was last heard.
//
// Several probes, some time apart, since one packet may be lost: a link that fails for a shorter
// time than `interval * (count - 1)` ends no connection. TCP_USER_TIMEOUT is not set for the same
// reason: on Linux it replaces the count, and one that is shorter than `idle` ends a connection
// whose first probe is lost.
struct TcpKeepalive {
    int idle = 0;      // silence before the first probe
    int interval = 0;  // between two probes
    int count = 0;

    // The times for a silence of so long, which must be positive. `idle` is up to a quarter
    // shorter, by the random number: thousands of connections that fall silent together are not
    // probed in the same instant, where the system would drop most of the probes.
    static TcpKeepalive after(Duration silence, std::uint64_t random) noexcept;
};

// A connected socket, TCP or Unix, on libuv; or one end of a pipe.
//
// When its owner closes it, it sends no more events, and destroys itself as soon as libuv has
// closed its handles.
class SocketStream final : public ByteStream, private UvPoller::Output {
public:
    using Owner = std::unique_ptr<SocketStream, Closer>;

    // Takes over an open, connected socket; closes it on failure. Throws SocketError. `peer`: for
    // messages, since the system forgets it when the connection fails.
    static Owner adopt(Scheduler& scheduler, int socket, int family, const StreamOptions& options,
                       const SocketAddress& peer = {});
    // Takes over one end of a pipe, which has one direction only: writing to an end that reads
    // fails with EPIPE, and an end that writes has no input. Closes it on failure. Throws
    // SocketError. `name`: for messages.
    static Owner adopt_pipe(Scheduler& scheduler, int descriptor, std::string name,
                            const StreamOptions& options);
    // Makes a socket for connect(). Throws SocketError.
    static Owner make(Scheduler& scheduler, int family, const StreamOptions& options);

    // Begins to connect; signals `changed` when that has succeeded or failed. Throws SocketError.
    void connect(const SocketAddress& address);
    bool connecting() const noexcept { return connecting_ != nullptr; }
    int connect_error() const noexcept { return connect_error_; }  // 0: connected

    std::string peer() const override { return is_pipe() ? name_ : peer_.text(); }
    int descriptor() const noexcept override;
    std::size_t unacknowledged() const noexcept override;

    void start_reading() noexcept override;
    bool stopped() const noexcept override { return stopped_; }

    void queue_output(std::string bytes) override;
    std::size_t try_write(std::string_view bytes) override;
    void flush() override;
    void flush_later() noexcept override;
    std::size_t pending() const noexcept override;
    void end_output() noexcept override;

private:
    SocketStream(Scheduler& scheduler, const StreamOptions& options);
    ~SocketStream() override = default;

    void open_handle(int family);
    void set_options() noexcept;
    void close_stream(bool reset) noexcept override;
    bool is_tcp() const noexcept { return handle_.any.type == UV_TCP; }
    bool is_pipe() const noexcept { return !name_.empty(); }
    void close_handle() noexcept;
    void room_made() noexcept override;
    void write_now() noexcept override;

    static void on_closed(uv_handle_t* handle);
    static void on_connected(uv_connect_t* request, int status);
    static void on_allocate(uv_handle_t* handle, std::size_t size, uv_buf_t* buffer);
    static void on_read(uv_stream_t* handle, ssize_t count, const uv_buf_t* buffer);
    static void on_written(uv_write_t* request, int status);
    void has_read(ssize_t count);
    void stop_reading() noexcept;
    void take_written(std::size_t count) noexcept;
    void write_rest();
    void fail_writing(int error);
    void cancel_flush() noexcept;
    UvPoller& poller() const noexcept;

    // The first is the largest, so that all bytes are zero at first: see UvPoller::visit_code().
    union {
        uv_pipe_t pipe;
        uv_tcp_t tcp;
        uv_stream_t stream;
        uv_handle_t any;
    } handle_{};
    static_assert(sizeof(uv_pipe_t) >= sizeof(uv_tcp_t));
    SocketAddress peer_;
    std::string name_;  // of a pipe; empty: this is a socket
    std::unique_ptr<uv_connect_t> connecting_;
    int connect_error_ = 0;
    bool opened_ = false;  // the handle
    bool closing_ = false;

    bool reading_ = false;
    bool starved_ = false;  // the last read found no room
    bool stopped_ = false;

    std::vector<std::string> batch_;  // queued
    std::size_t batch_offset_ = 0;    // bytes of its first string that were written
    std::size_t batch_bytes_ = 0;
    std::vector<std::string> in_flight_;  // given to uv_write
    std::size_t in_flight_offset_ = 0;
    std::size_t in_flight_bytes_ = 0;
    std::unique_ptr<uv_write_t> write_;  // made when it is needed first
};

}  // namespace weir
