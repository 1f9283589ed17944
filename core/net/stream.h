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
    // Bytes that are read at once. The buffer grows for a longer message, up to the maximum; there
    // is none while nothing waits to be parsed.
    std::size_t buffer_size = 16 * 1024;
    std::size_t max_buffer_size = 16 * 1024 * 1024;
    // TCP: send small packets at once.
    bool tcp_nodelay = true;
    // TCP: ask a silent peer, after that time and then every second, ten times, whether it is
    // still there. 0: never. Whole seconds.
    Duration tcp_keepalive{};
    // TCP: for how long what was written may stay unacknowledged; 0: as the system does it.
    Duration unacknowledged_timeout{};
};

// A connected socket, TCP or Unix, on libuv: bytes in, bytes out, bounded on both sides. Does no
// more than move bytes; Connection makes events of it.
//
// Lives on the heap. Its owner closes it, after which it sends no more events and destroys itself
// as soon as libuv lets go of it. `readable`, `writable` and `changed` are its SocketEvents.
class Stream final : public Source {
public:
    struct Closer {
        void operator()(Stream* stream) const noexcept { stream->close(); }
    };
    using Owner = std::unique_ptr<Stream, Closer>;

    // Takes over an open, connected socket, and closes it on failure. Throws SocketError.
    static Owner adopt(Scheduler& scheduler, int socket, int family, const StreamOptions& options);
    // To be connected. Throws SocketError.
    static Owner make(Scheduler& scheduler, int family, const StreamOptions& options);

    // Begins to connect; `changed` tells the end. Throws SocketError.
    void connect(const SocketAddress& address);
    bool connecting() const noexcept { return connecting_ != nullptr; }
    int connect_error() const noexcept { return connect_error_; }  // 0: connected

    // The system's number of the socket, or -1.
    int descriptor() const noexcept;

    // --- input

    void start_reading() noexcept;
    // Bytes received and not consumed. Valid until the next call of any function of the input.
    std::string_view input() const noexcept { return {buffer_.get(), filled_}; }
    // How many of them were there already when consume() was called last.
    std::size_t seen() const noexcept { return seen_; }
    bool input_ended() const noexcept { return ended_; }       // the peer sends no more
    int input_error() const noexcept { return input_error_; }  // 0: none
    bool input_over() const noexcept { return ended_ || input_error_ != 0; }
    // Whether there are bytes that consume() has not been told of, or no more come.
    bool has_news() const noexcept { return filled_ != seen_ || input_over(); }
    // Drops the first `count` bytes. Reading goes on if it had stopped.
    void consume(std::size_t count) noexcept;
    // Makes room if the buffer is full. False if it has the maximum size.
    bool make_room();
    // Reads on, but drops everything. `changed` tells the end.
    void discard_input() noexcept;
    // Reading has stopped, since the buffer is full: the peer is slowed down.
    bool stopped() const noexcept { return stopped_; }
    std::size_t buffer_capacity() const noexcept { return capacity_; }

    // --- output

    // Adds bytes to what is written before the scheduler waits, all at once.
    void write(std::string bytes);
    // Writes at once what can be written.
    void flush();
    // Bytes that the system has not taken yet.
    std::size_t pending() const noexcept;
    int output_error() const noexcept { return output_error_; }  // 0: none
    // Tells the peer that no more comes. Requires that nothing is pending.
    void end_output() noexcept;

    // --- insight and end

    std::uint64_t received() const noexcept { return received_; }  // bytes
    std::uint64_t sent() const noexcept { return sent_; }          // bytes, taken by the system
    Time last_received() const noexcept { return last_received_; }
    Time last_sent() const noexcept { return last_sent_; }

    // Closes the socket; what is pending is dropped.
    void close() noexcept { close(false); }
    // The same; the peer gets an error (TCP: a reset) and not an end.
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
    uv_prepare_t before_waiting_;  // active while there is something to flush
    std::unique_ptr<uv_connect_t> connecting_;
    int connect_error_ = 0;
    int open_handles_ = 0;
    bool closing_ = false;

    std::unique_ptr<char[]> buffer_;  // while there is something in it
    std::size_t capacity_ = 0;
    std::size_t filled_ = 0;
    std::size_t seen_ = 0;
    bool reading_ = false;
    bool starved_ = false;  // there was no room for what has come
    bool stopped_ = false;
    bool discarding_ = false;
    bool ended_ = false;
    int input_error_ = 0;

    std::vector<std::string> batch_;  // to be flushed
    std::size_t batch_offset_ = 0;    // bytes of the first that were written
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
