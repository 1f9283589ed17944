#include "core/net/stream.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <csignal>
#include <cstring>
#include <utility>

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/net/read_buffers.h"
#include "core/net/socket_error.h"

namespace weir {
namespace {

// A write to a socket whose peer has closed shall fail, and not end the process.
void ignore_broken_pipes() noexcept {
    [[maybe_unused]] static const bool done = [] {
        struct sigaction now {};
        if (sigaction(SIGPIPE, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) {
            std::signal(SIGPIPE, SIG_IGN);
        }
        return true;
    }();
}

void set_option(int socket, int level, int name, int value) noexcept {
    setsockopt(socket, level, name, &value, sizeof(value));
}

// Short writes are copied together: an entry of writev costs more than a few hundred bytes.
constexpr std::size_t short_write = 512;
constexpr std::size_t joined_write = 16 * 1024;

uv_buf_t as_buffer(std::string& text, std::size_t offset) noexcept {
    return uv_buf_init(text.data() + offset, static_cast<unsigned>(text.size() - offset));
}

}  // namespace

// --- keepalive

TcpKeepalive TcpKeepalive::after(Duration silence, std::uint64_t random) noexcept {
    constexpr int most = 32767;  // what Linux allows
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(silence).count();
    const int idle = static_cast<int>(std::clamp<std::int64_t>(seconds, 1, most));
    const auto earlier = static_cast<int>(random % static_cast<std::uint64_t>(idle / 4 + 1));
    return {.idle = idle - earlier, .interval = std::max(1, idle / 12), .count = 6};
}

// --- opening and closing

Stream::Stream(Scheduler& scheduler, const StreamOptions& options)
    : Source(scheduler),
      options_(options),
      last_received_(scheduler.now()),
      last_sent_(last_received_) {
    ignore_broken_pipes();
}

void Stream::open(int family) {
    uv_loop_t& loop = loop_of(scheduler());
    if (family == AF_UNIX) {
        uv_pipe_init(&loop, &handle_.pipe, 0);
    } else {
        uv_tcp_init(&loop, &handle_.tcp);
    }
    handle_.any.data = this;
    uv_prepare_init(&loop, &before_waiting_);
    before_waiting_.data = this;
    open_handles_ = 2;
}

Stream::Owner Stream::make(Scheduler& scheduler, int family, const StreamOptions& options) {
    loop_of(scheduler);  // throws before there is anything to close
    Owner stream(new Stream(scheduler, options));
    stream->open(family);
    return stream;
}

Stream::Owner Stream::adopt(Scheduler& scheduler, int socket, int family,
                            const StreamOptions& options) {
    Owner stream = make(scheduler, family, options);
    const int error = stream->is_tcp() ? uv_tcp_open(&stream->handle_.tcp, socket)
                                       : uv_pipe_open(&stream->handle_.pipe, socket);
    if (error != 0) {
        ::close(socket);
        throw SocketError("adopting a socket", error);
    }
    stream->set_options();
    return stream;
}

void Stream::set_options() noexcept {
    if (!is_tcp()) {
        return;
    }
    const int socket = descriptor();
    if (options_.tcp_nodelay) {
        set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    }
    if (options_.tcp_keepalive > Duration::zero()) {
        const TcpKeepalive keepalive =
            TcpKeepalive::after(options_.tcp_keepalive, scheduler().poller().random());
        set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, keepalive.idle);
        set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, keepalive.interval);
        set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, keepalive.count);
        set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    }
}

std::size_t Stream::unacknowledged() const noexcept {
    int bytes = 0;
    return is_tcp() && ioctl(descriptor(), SIOCOUTQ, &bytes) == 0 && bytes > 0
               ? static_cast<std::size_t>(bytes)
               : 0;
}

int Stream::descriptor() const noexcept {
    uv_os_fd_t socket = -1;
    return uv_fileno(&handle_.any, &socket) == 0 ? socket : -1;
}

void Stream::connect(const SocketAddress& address) {
    connecting_ = std::make_unique<uv_connect_t>();
    connecting_->data = this;
    if (!is_tcp()) {
        // Reports any error by the callback. The address has room for a final 0.
        uv_pipe_connect(connecting_.get(), &handle_.pipe, address.text().c_str() + 5, on_connected);
    } else if (const int error =
                   uv_tcp_connect(connecting_.get(), &handle_.tcp, address.data(), on_connected);
               error != 0) {
        connecting_.reset();
        throw SocketError("connecting to " + address.text(), error);
    }
}

void Stream::on_connected(uv_connect_t* request, int status) {
    Stream& stream = *static_cast<Stream*>(request->data);
    stream.connecting_.reset();
    stream.connect_error_ = status;
    if (!stream.closing_) {
        if (status == 0) {
            stream.set_options();
            stream.last_received_ = stream.last_sent_ = stream.scheduler().now();
        }
        stream.signal(SocketEvent::Type::changed);
    }
}

void Stream::close(bool reset) noexcept {
    if (open_handles_ == 0) {
        delete this;  // never opened
        return;
    }
    closing_ = true;
    const auto closed = [](uv_handle_t* handle) {
        static_cast<Stream*>(handle->data)->closed_one();
    };
    uv_close(reinterpret_cast<uv_handle_t*>(&before_waiting_), closed);
    if (reset && is_tcp() && uv_tcp_close_reset(&handle_.tcp, closed) == 0) {
        return;
    }
    uv_close(&handle_.any, closed);
}

void Stream::closed_one() noexcept {
    if (--open_handles_ == 0) {
        delete this;
    }
}

// --- input

void Stream::start_reading() noexcept {
    if (!reading_ && !input_over()) {
        reading_ = true;
        stopped_ = false;
        if (const int error = uv_read_start(&handle_.stream, on_allocate, on_read); error != 0) {
            input_error_ = error;
        }
    }
}

void Stream::on_allocate(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    Stream& stream = *static_cast<Stream*>(handle->data);
    if (stream.buffer_ == nullptr) {
        stream.buffer_ = read_buffers::take(stream.options_.buffer_size);
        stream.capacity_ = stream.buffer_ == nullptr ? 0 : stream.options_.buffer_size;
    }
    *buffer = uv_buf_init(stream.buffer_.get() + stream.filled_,
                          static_cast<unsigned>(stream.capacity_ - stream.filled_));
}

void Stream::on_read(uv_stream_t* handle, ssize_t count, const uv_buf_t*) {
    static_cast<Stream*>(handle->data)->has_read(count);
}

void Stream::drop_buffer() noexcept {
    assert(filled_ == 0);
    if (buffer_ != nullptr && capacity_ == options_.buffer_size) {
        read_buffers::give(std::move(buffer_), capacity_);
    }
    buffer_.reset();  // a larger one, for a long message, is not kept
    capacity_ = 0;
}

void Stream::has_read(ssize_t count) {
    if (count == 0) {
        if (filled_ == 0) {
            drop_buffer();
        }
        return;
    }
    if (count == UV_ENOBUFS) {
        // Stops only the second time: the buffer is often emptied before the next poll, and
        // stopping and starting again costs two system calls.
        if (std::exchange(starved_, true)) {
            uv_read_stop(&handle_.stream);
            reading_ = false;
            stopped_ = true;
        }
        return;
    }
    if (count < 0) {
        uv_read_stop(&handle_.stream);
        reading_ = false;
        ended_ = count == UV_EOF;
        input_error_ = ended_ ? 0 : static_cast<int>(count);
    } else {
        received_ += static_cast<std::uint64_t>(count);
        last_received_ = scheduler().now();
        filled_ += discarding_ ? 0 : static_cast<std::size_t>(count);
    }
    if (filled_ == 0) {
        drop_buffer();
    }
    if (!discarding_) {
        signal(SocketEvent::Type::readable);
    } else if (input_over()) {
        signal(SocketEvent::Type::changed);
    }
}

void Stream::consume(std::size_t count) noexcept {
    assert(count <= filled_);
    filled_ -= count;
    if (count != 0 && filled_ != 0) {
        std::memmove(buffer_.get(), buffer_.get() + count, filled_);
    }
    seen_ = filled_;
    if (filled_ == 0) {
        drop_buffer();
    }
    starved_ = false;
    if (stopped_ && (filled_ < capacity_ || capacity_ == 0)) {
        start_reading();
    }
}

bool Stream::make_room() {
    if (filled_ < capacity_ || capacity_ == 0) {
        return true;
    }
    const std::size_t capacity = std::min(capacity_ * 2, options_.max_buffer_size);
    if (capacity <= capacity_) {
        return false;
    }
    std::unique_ptr<char[]> larger(new char[capacity]);
    std::memcpy(larger.get(), buffer_.get(), filled_);
    buffer_ = std::move(larger);
    capacity_ = capacity;
    if (stopped_) {
        start_reading();
    }
    return true;
}

void Stream::discard_input() noexcept {
    discarding_ = true;
    consume(filled_);
}

// --- output

std::size_t Stream::pending() const noexcept {
    return batch_bytes_ + (in_flight_.empty() ? 0 : handle_.stream.write_queue_size);
}

void Stream::write(std::string bytes) {
    if (bytes.empty() || output_error_ != 0) {
        return;
    }
    batch_bytes_ += bytes.size();
    if (bytes.size() <= short_write && !batch_.empty() &&
        batch_.back().size() + bytes.size() <= joined_write) {
        batch_.back() += bytes;
    } else {
        batch_.push_back(std::move(bytes));
    }
    if (in_flight_.empty()) {
        uv_prepare_start(&before_waiting_,
                         [](uv_prepare_t* handle) { static_cast<Stream*>(handle->data)->flush(); });
    }
}

void Stream::flush() {
    uv_prepare_stop(&before_waiting_);
    while (in_flight_.empty() && !batch_.empty() && output_error_ == 0) {
        std::array<uv_buf_t, 64> buffers;
        unsigned count = 0;
        std::size_t bytes = 0;
        for (std::string& chunk : batch_) {
            buffers[count] = as_buffer(chunk, count == 0 ? batch_offset_ : 0);
            bytes += buffers[count].len;
            if (++count == buffers.size()) {
                break;
            }
        }
        const int written = uv_try_write(&handle_.stream, buffers.data(), count);
        if (written < 0 && written != UV_EAGAIN) {
            fail_output(written);
            return;
        }
        take_written(written < 0 ? 0 : static_cast<std::size_t>(written));
        if (written < 0 || static_cast<std::size_t>(written) < bytes) {
            write_rest();
            return;
        }
    }
    if (in_flight_.empty()) {
        signal(SocketEvent::Type::writable);
    }
}

// The system has taken the first `count` bytes of the batch.
void Stream::take_written(std::size_t count) noexcept {
    batch_bytes_ -= count;
    if (count != 0) {
        sent_ += count;
        last_sent_ = scheduler().now();
    }
    if (batch_bytes_ == 0) {
        batch_.clear();
        batch_offset_ = 0;
        return;
    }
    std::size_t done = 0;
    count += batch_offset_;
    while (done != batch_.size() && count >= batch_[done].size()) {
        count -= batch_[done++].size();
    }
    batch_offset_ = count;
    batch_.erase(batch_.begin(), batch_.begin() + static_cast<std::ptrdiff_t>(done));
}

// Leaves the batch to libuv, which writes it as soon as the socket takes more.
void Stream::write_rest() {
    std::swap(in_flight_, batch_);
    in_flight_offset_ = std::exchange(batch_offset_, 0);
    in_flight_bytes_ = std::exchange(batch_bytes_, 0);
    std::vector<uv_buf_t> buffers;
    buffers.reserve(in_flight_.size());
    for (std::string& chunk : in_flight_) {
        buffers.push_back(as_buffer(chunk, buffers.empty() ? in_flight_offset_ : 0));
    }
    write_.data = this;
    const int error = uv_write(&write_, &handle_.stream, buffers.data(),
                               static_cast<unsigned>(buffers.size()), on_written);
    if (error != 0) {
        in_flight_.clear();
        fail_output(error);
    }
}

void Stream::on_written(uv_write_t* request, int status) {
    Stream& stream = *static_cast<Stream*>(request->data);
    stream.in_flight_.clear();
    if (stream.closing_) {
        return;
    }
    if (status != 0) {
        stream.fail_output(status);
        return;
    }
    stream.sent_ += stream.in_flight_bytes_;
    stream.last_sent_ = stream.scheduler().now();
    stream.flush();
}

void Stream::fail_output(int error) {
    output_error_ = error;
    batch_.clear();
    batch_offset_ = 0;
    batch_bytes_ = 0;
    signal(SocketEvent::Type::writable);
    signal(SocketEvent::Type::changed);
}

void Stream::end_output() noexcept {
    assert(pending() == 0);
    ::shutdown(descriptor(), SHUT_WR);
}

}  // namespace weir
