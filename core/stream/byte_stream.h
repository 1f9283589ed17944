#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/run/task.h"
#include "core/stream/input_buffer.h"
#include "core/stream/signal_wait.h"
#include "core/stream/socket_events.h"
#include "core/stream/stream_error.h"

namespace weir {

struct TlsInfo;

struct StreamOptions {
    // Bytes that are read at once. The buffer grows for a longer message, up to the maximum. A
    // stream without unparsed bytes has no buffer.
    std::size_t buffer_size = 16 * 1024;
    std::size_t max_buffer_size = 16 * 1024 * 1024;
    // A writer waits while so many bytes are pending.
    std::size_t write_buffer_size = 64 * 1024;
    // TCP: send small packets at once.
    bool tcp_nodelay = true;
    // TCP: after so much silence the system probes whether the peer's machine is still there, and
    // reports ETIMEDOUT if all probes stay unanswered; see TcpKeepalive. 0: never. Whole seconds.
    Duration tcp_keepalive{};
};

// The deadline of an operation that may take any time.

// Bytes in and bytes out, in order, with a bounded buffer on either side: a socket, TLS, one end of
// a pair in memory, a file. A routine reads and writes in straight code:
//
//     while (const auto line = co_await stream->read_line(1024)) {
//         co_await stream->write("you said " + std::string(*line) + "\n");
//     }
//
// Each operation that waits takes a deadline, a point in time, after which it throws StreamError
// with UV_ETIMEDOUT; it also throws StreamError when the stream fails. No received byte is lost by
// either, nor when the routine is unwound while it waits: the next read finds it. At most one
// routine reads and one writes at a time.
//
// Backpressure: a stream whose buffer is full reads no more, and a writer waits while the peer does
// not read.
//
// Lives on the heap; its Owner closes it. Belongs to the scheduler's thread. Sends the SocketEvents
// `readable`, `writable` and `changed` to a routine that has armed it, or tells its Observer.
class ByteStream : public Source {
public:
    struct Closer {
        void operator()(ByteStream* stream) const noexcept { stream->close(); }
    };
    using Owner = std::unique_ptr<ByteStream, Closer>;

    static constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

    // --- reading; views are valid until the next call of a function that reads or consumes

    // Returns bytes, at least one and at most `most`, as soon as there are any; empty: the input
    // has ended.
    Task<std::string_view> read_some(std::size_t most = no_limit, Time deadline = no_deadline);
    // Returns so many bytes. Throws StreamError: UV_EOF if the input ends before, UV_EMSGSIZE if
    // they are more than max_buffer_size.
    Task<std::string_view> read_exactly(std::size_t count, Time deadline = no_deadline);
    // Returns bytes up to and with the first delimiter; nothing if the input has ended before any
    // byte. Throws StreamError: UV_EOF if the input ends within, UV_EMSGSIZE if `limit` bytes
    // contain no delimiter. Requires a delimiter that is not empty.
    Task<std::optional<std::string_view>> read_until(std::string delimiter, std::size_t limit,
                                                     Time deadline = no_deadline);
    // Returns a line without its end, "\n" or "\r\n". Otherwise as read_until.
    Task<std::optional<std::string_view>> read_line(std::size_t limit, Time deadline = no_deadline);
    // Fills the span. Throws StreamError with UV_EOF if the input ends before.
    Task<> read_into(std::span<char> target, Time deadline = no_deadline);
    // Returns all bytes that are there, as soon as they are `least` or the input has ended, and
    // consumes none: for parsers, which consume() what they have understood. Throws StreamError
    // with UV_EMSGSIZE if `least` is more than max_buffer_size.
    Task<std::string_view> peek(std::size_t least = 1, Time deadline = no_deadline);
    // Copies up to `most` bytes to another stream, or all up to the end of the input, as fast as
    // that takes them. Returns how many. Does not end the other's output.
    Task<std::uint64_t> copy_to(ByteStream& target, Time deadline = no_deadline,
                                std::uint64_t most = std::numeric_limits<std::uint64_t>::max());

    // --- writing

    // Queues bytes, and waits while too many are pending. All that is queued is sent together,
    // before the scheduler waits. A failure is thrown by a later call: only an answer of the peer
    // says that it has received bytes.
    Task<> write(std::string bytes, Time deadline = no_deadline);
    // Waits until nothing is pending: the system, or the peer's buffer, has all bytes.
    Task<> drain(Time deadline = no_deadline);
    // Drains, and ends the output: the peer reads an end, and may still send.
    Task<> shutdown(Time deadline = no_deadline);
    // Ends in order: shuts down, drops further input, and waits until the peer has ended too.
    Task<> finish(Time deadline = no_deadline);

    // --- opening and closing

    // Waits until bytes can pass: TLS has shaken hands. Other streams are open from the start.
    virtual Task<> open(Time deadline = no_deadline);
    // Closes the stream, and drops what is pending but for what the system takes at once.
    void close() noexcept { close_stream(false); }
    // Does the same, and drops all; a TCP peer gets a reset instead of an end of file.
    void reset() noexcept { close_stream(true); }

    // --- what it is

    // Returns the peer, for messages: tcp://127.0.0.1:80, or the file's path.
    virtual std::string peer() const = 0;
    // Returns the file descriptor of the socket below, or -1.
    virtual int descriptor() const noexcept { return -1; }
    // Returns what the handshake has agreed on; null if this is not TLS, or not open.
    virtual const TlsInfo* tls() const noexcept { return nullptr; }

    // --- input without waiting, for protocols and other streams on top of this

    // Reads from now on; the functions above call it.
    virtual void start_reading() noexcept = 0;
    // Bytes received and not consumed. Valid until the next call of a function below.
    std::string_view input() const noexcept { return input_.bytes(); }
    // How many of these bytes were there already when consume() was called last.
    std::size_t seen() const noexcept { return seen_; }
    // The peer sends no more.
    bool input_ended() const noexcept { return ended_ || cut_; }
    int input_error() const noexcept { return input_error_; }  // 0: none
    bool input_over() const noexcept { return input_ended() || input_error_ != 0; }
    // Returns whether bytes have come since consume() was called last, or no more come.
    bool has_news() const noexcept { return input_.size() != seen_ || input_over(); }
    // Drops the first `count` bytes, which must be there. Resumes reading if it had stopped.
    void consume(std::size_t count) noexcept;
    // Enlarges the buffer if it is full. Returns false if it has the maximum size.
    bool make_room();
    // Drops all input from now on; signals `changed` when the input ends.
    void discard_input() noexcept;
    // Lets the user's input end behind what is there, as if the peer had ended it; drops what
    // comes.
    void cut_input();
    // Whether reading has stopped because the buffer is full; TCP then slows the peer down.
    virtual bool stopped() const noexcept { return false; }
    std::size_t buffer_capacity() const noexcept { return input_.capacity(); }

    // --- output without waiting

    // Queues bytes. All that is queued is written at once, before the scheduler waits.
    virtual void queue_output(std::string bytes) = 0;
    // Writes as many of the bytes as can be taken without copying them into a queue, and returns
    // how many: the caller queues the others, or tries later.
    virtual std::size_t try_write(std::string_view) { return 0; }
    // Writes as much as is taken now.
    virtual void flush() = 0;
    // Bytes that are queued and not taken yet.
    virtual std::size_t pending() const noexcept = 0;
    // TCP: bytes that the system has taken and the peer's machine has not acknowledged.
    virtual std::size_t unacknowledged() const noexcept { return 0; }
    int output_error() const noexcept { return output_error_; }  // 0: none
    // Ends the output; the peer reads an end of file. Requires that nothing is pending.
    virtual void end_output() noexcept = 0;

    // Returns the exception for a failure of reading or writing, with its reason in words.
    StreamError input_failure() const;
    StreamError output_failure() const;

    // --- counters

    const StreamOptions& options() const noexcept { return options_; }
    std::uint64_t received() const noexcept { return received_; }  // bytes
    std::uint64_t sent() const noexcept { return sent_; }          // bytes that were taken
    Time last_received() const noexcept { return last_received_; }
    Time last_sent() const noexcept { return last_sent_; }

    // A stream on top of this one. It receives the signals at once, instead of their events.
    class Observer {
    public:
        virtual void signalled(SocketEvent::Type type) noexcept = 0;
        // After the next poll, when flush_later() was called: has to flush.
        virtual void flush_now() noexcept = 0;

    protected:
        ~Observer() = default;
    };
    void set_observer(Observer* observer) noexcept { observer_ = observer; }
    // Flushes, or has the observer do so, after the next poll, which does not wait.
    virtual void flush_later() noexcept = 0;

    // Hides Source's.
    void signal(SocketEvent::Type type);

protected:
    ByteStream(Scheduler& scheduler, const StreamOptions& options);
    virtual ~ByteStream() = default;

    // Closes, and destroys this at once or later.
    virtual void close_stream(bool reset) noexcept = 0;

    // --- for the stream below the buffer

    // Where to put bytes that are received; empty: not now. Then room_made() is called later.
    std::span<char> room() noexcept { return input_.room(); }
    void trim_room() noexcept { input_.trim(); }
    // Whether the peer itself sends no more, whatever was cut.
    bool peer_is_over() const noexcept { return ended_ || input_error_ != 0; }
    bool input_full() const noexcept { return input_.full(); }
    // So many bytes were put there.
    void has_received(std::size_t count);
    // No more bytes come: the peer has ended, or with an error other than 0.
    void end_input(int error, std::string_view detail = {});
    // There may be room again.
    virtual void room_made() noexcept = 0;

    void has_sent(std::size_t count) noexcept;
    // For a connect that has succeeded: silence counts from now.
    void restart_clock() noexcept;
    // Sets the first error only; signals it.
    void fail_output(int error, std::string_view detail = {});
    Observer* observer() const noexcept { return observer_; }
    // Waits for one signal; the caller checks again what it waits for. Throws StreamError at the
    // deadline.
    Task<> wait(SocketEvent::Type type, Time deadline, std::string_view doing);
    const std::string& failure_detail() const noexcept { return detail_; }

    bool discarding_ = false;

private:
    void take_back() noexcept;
    std::string_view take(std::size_t count) noexcept;
    void check_output() const;
    void set_detail(std::string_view detail);

    const StreamOptions options_;
    InputBuffer input_;
    Observer* observer_ = nullptr;
    std::size_t seen_ = 0;
    bool ended_ = false;
    bool cut_ = false;
    bool output_ended_ = false;
    int input_error_ = 0;
    int output_error_ = 0;
    std::string detail_;  // of the errors
    std::uint64_t received_ = 0;
    std::uint64_t sent_ = 0;
    Time last_received_;
    Time last_sent_;
};

}  // namespace weir
