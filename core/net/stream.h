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
#include "core/net/socket_events.h"

namespace weir {

struct StreamOptions {
    // Bytes that are read at once. The buffer grows for a longer message, up to the maximum. A
    // stream without unparsed bytes has no buffer.
    std::size_t buffer_size = 16 * 1024;
    std::size_t max_buffer_size = 16 * 1024 * 1024;
    // TCP: send small packets at once.
    bool tcp_nodelay = true;
    // TCP: after so much silence the system probes whether the peer's machine is still there, and
    // reports ETIMEDOUT if all probes stay unanswered; see TcpKeepalive. 0: never. Whole seconds.
    Duration tcp_keepalive{};
};

// When the system probes a silent TCP peer, in whole seconds. A peer that answers none of the
// probes is gone `idle + interval * count` after it was last heard.
//
// Several probes, some time apart, since one packet may be lost: a link that fails for a shorter
// time than `interval * (count - 1)` ends no connection. TCP_USER_TIMEOUT is not set for the same
// reason: on Linux it replaces the count, and a value below `idle` ends a connection whose first
// probe is lost.
struct TcpKeepalive {
    int idle = 0;      // silence before the first probe
    int interval = 0;  // between two probes
    int count = 0;

    // The times for a silence of so long, which must be positive. `idle` is up to a quarter
    // shorter, by the random number: thousands of connections that fall silent together are not
    // probed in the same instant, where the system would drop most of the probes.
    static TcpKeepalive after(Duration silence, std::uint64_t random) noexcept;
};

// A connected socket, TCP or Unix, on libuv. Moves bytes in and out, with a bounded buffer on
// either side; Connection makes events of them.
//
// Lives on the heap. Its owner closes it; it then sends no more events, and destroys itself as soon
// as libuv has closed its handles. It sends the SocketEvents `readable`, `writable` and `changed`.
// Belongs to the scheduler's thread.
class Stream final : public Source {
public:
    struct Closer {
        void operator()(Stream* stream) const noexcept { stream->close(); }
    };
    using Owner = std::unique_ptr<Stream, Closer>;

    // Takes over an open, connected socket; closes it on failure. Throws SocketError.
    static Owner adopt(Scheduler& scheduler, int socket, int family, const StreamOptions& options);
    // Makes a socket for connect(). Throws SocketError.
    static Owner make(Scheduler& scheduler, int family, const StreamOptions& options);

    // Begins to connect; sends `changed` when that has succeeded or failed. Throws SocketError.
    void connect(const SocketAddress& address);
    bool connecting() const noexcept { return connecting_ != nullptr; }
    int connect_error() const noexcept { return connect_error_; }  // 0: connected

    // The file descriptor of the socket, or -1.
    int descriptor() const noexcept;

    // --- input

    void start_reading() noexcept;
    // Bytes received and not consumed. Valid until the next call of a function below.
    std::string_view input() const noexcept { return {buffer_.get(), filled_}; }
    // How many of these bytes were there already when consume() was called last.
    std::size_t seen() const noexcept { return seen_; }
    bool input_ended() const noexcept { return ended_; }       // the peer sends no more
    int input_error() const noexcept { return input_error_; }  // 0: none
    bool input_over() const noexcept { return ended_ || input_error_ != 0; }
    // Returns whether bytes have come since consume() was called last, or no more come.
    bool has_news() const noexcept { return filled_ != seen_ || input_over(); }
    // Drops the first `count` bytes, which must be there. Resumes reading if it had stopped.
    void consume(std::size_t count) noexcept;
    // Enlarges the buffer if it is full. Returns false if it has the maximum size.
    bool make_room();
    // Drops all input from now on; sends `changed` when the input ends.
    void discard_input() noexcept;
    // Whether reading has stopped because the buffer is full; TCP then slows the peer down.
    bool stopped() const noexcept { return stopped_; }
    std::size_t buffer_capacity() const noexcept { return capacity_; }

    // --- output

    // Queues bytes. All that is queued is written at once, before the scheduler waits.
    void write(std::string bytes);
    // Writes as much as the system takes now.
    void flush();
    // Bytes that the system has not taken yet.
    std::size_t pending() const noexcept;
    // TCP: bytes that the system has taken and the peer's machine has not acknowledged.
    std::size_t unacknowledged() const noexcept;
    int output_error() const noexcept { return output_error_; }  // 0: none
    // Ends the output; the peer reads an end of file. Requires that nothing is pending.
    void end_output() noexcept;

    // --- counters and end

    std::uint64_t received() const noexcept { return received_; }  // bytes
    std::uint64_t sent() const noexcept { return sent_; }          // bytes, taken by the system
    Time last_received() const noexcept { return last_received_; }
    Time last_sent() const noexcept { return last_sent_; }

    // Closes the socket and drops pending bytes.
    void close() noexcept { close(false); }
    // Does the same; a TCP peer gets a reset instead of an end of file.
    void reset() noexcept { close(true); }

private:
    Stream(Scheduler& scheduler, const StreamOptions& options);
    ~Stream() = default;

    void open(int family);
    void set_options() noexcept;
    void close(bool reset) noexcept;
    void closed_one() noexcept;
    bool is_tcp() const noexcept { return handle_.any.type == UV_TCP; }

    static void on_connected(uv_connect_t* request, int status);
    static void on_allocate(uv_handle_t* handle, std::size_t size, uv_buf_t* buffer);
    static void on_read(uv_stream_t* handle, ssize_t count, const uv_buf_t* buffer);
    static void on_written(uv_write_t* request, int status);
    void has_read(ssize_t count);
    void drop_buffer() noexcept;
    void take_written(std::size_t count) noexcept;
    void write_rest();
    void fail_output(int error);

    const StreamOptions options_;
    union {
        uv_handle_t any;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } handle_;
    uv_prepare_t before_waiting_;  // active while bytes are queued; flushes them
    std::unique_ptr<uv_connect_t> connecting_;
    int connect_error_ = 0;
    int open_handles_ = 0;
    bool closing_ = false;

    std::unique_ptr<char[]> buffer_;  // null: no input
    std::size_t capacity_ = 0;
    std::size_t filled_ = 0;
    std::size_t seen_ = 0;
    bool reading_ = false;
    bool starved_ = false;  // the last read found no room
    bool stopped_ = false;
    bool discarding_ = false;
    bool ended_ = false;
    int input_error_ = 0;

    std::vector<std::string> batch_;  // queued
    std::size_t batch_offset_ = 0;    // bytes of its first string that were written
    std::size_t batch_bytes_ = 0;
    std::vector<std::string> in_flight_;  // given to uv_write
    std::size_t in_flight_offset_ = 0;
    std::size_t in_flight_bytes_ = 0;
    uv_write_t write_;
    int output_error_ = 0;

    std::uint64_t received_ = 0;
    std::uint64_t sent_ = 0;
    Time last_received_;
    Time last_sent_;
};

}  // namespace weir
