#include "core/net/socket_stream.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <new>
#include <span>
#include <utility>

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/net/socket_error.h"
#include "core/run/broken_pipes.h"
#include "core/run/uv_poller.h"

namespace weir {
namespace {

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

SocketStream::SocketStream(Scheduler& scheduler, const StreamOptions& options)
    : ByteStream(scheduler, options) {
    // Once: a program that serves many connections asks the system a single time.
    [[maybe_unused]] static const bool done = (ignore_broken_pipes(), true);
}

void SocketStream::open_handle(int family) {
    uv_loop_t& loop = loop_of(scheduler());
    if (family == AF_UNIX) {
        uv_pipe_init(&loop, &handle_.pipe, 0);
    } else {
        uv_tcp_init(&loop, &handle_.tcp);
    }
    handle_.any.data = this;
    opened_ = true;
}

SocketStream::Owner SocketStream::make(Scheduler& scheduler, int family,
                                       const StreamOptions& options) {
    loop_of(scheduler);  // throws before there is anything to close
    Owner stream(new SocketStream(scheduler, options));
    stream->open_handle(family);
    return stream;
}

SocketStream::Owner SocketStream::adopt(Scheduler& scheduler, int socket, int family,
                                        const StreamOptions& options, const SocketAddress& peer) {
    Owner stream = make(scheduler, family, options);
    stream->peer_ = peer;
    const int error = stream->is_tcp() ? uv_tcp_open(&stream->handle_.tcp, socket)
                                       : uv_pipe_open(&stream->handle_.pipe, socket);
    if (error != 0) {
        ::close(socket);
        throw SocketError("adopting a socket", error);
    }
    stream->set_options();
    return stream;
}

SocketStream::Owner SocketStream::adopt_pipe(Scheduler& scheduler, int descriptor, std::string name,
                                             const StreamOptions& options) {
    assert(!name.empty());
    Owner stream = make(scheduler, AF_UNIX, options);
    stream->name_ = std::move(name);
    const int flags = ::fcntl(descriptor, F_GETFL);
    if (const int error = uv_pipe_open(&stream->handle_.pipe, descriptor); error != 0) {
        ::close(descriptor);
        throw SocketError("adopting " + stream->name_, error);
    }
    if ((flags & O_ACCMODE) == O_WRONLY) {
        stream->end_input(0);
    }
    return stream;
}

void SocketStream::set_options() noexcept {
    if (!is_tcp()) {
        return;
    }
    const int socket = descriptor();
    if (options().tcp_nodelay) {
        set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    }
    if (options().tcp_keepalive > Duration::zero()) {
        const TcpKeepalive keepalive =
            TcpKeepalive::after(options().tcp_keepalive, scheduler().poller().random());
        set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, keepalive.idle);
        set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, keepalive.interval);
        set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, keepalive.count);
        set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    }
}

std::size_t SocketStream::unacknowledged() const noexcept {
    int bytes = 0;
    return is_tcp() && ioctl(descriptor(), SIOCOUTQ, &bytes) == 0 && bytes > 0
               ? static_cast<std::size_t>(bytes)
               : 0;
}

int SocketStream::descriptor() const noexcept {
    uv_os_fd_t socket = -1;
    return uv_fileno(&handle_.any, &socket) == 0 ? socket : -1;
}

void SocketStream::connect(const SocketAddress& address) {
    peer_ = address;
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

void SocketStream::on_connected(uv_connect_t* request, int status) {
    SocketStream& stream = *static_cast<SocketStream*>(request->data);
    stream.connecting_.reset();
    stream.connect_error_ = status;
    if (!stream.closing_) {
        if (status == 0) {
            stream.set_options();
            stream.restart_clock();
        }
        stream.signal(SocketEvent::Type::changed);
    }
}

void SocketStream::close_stream(bool reset) noexcept {
    if (!opened_) {
        cancel_flush();
        delete this;
        return;
    }
    set_observer(nullptr);
    disarm();
    if (!reset && !connecting()) {
        try {
            flush();
        } catch (const std::bad_alloc&) {
            // The bytes are dropped, as those that the system does not take at once.
        }
    }
    cancel_flush();
    closing_ = true;
    if (reset && is_tcp() && uv_tcp_close_reset(&handle_.tcp, on_closed) == 0) {
        return;
    }
    close_handle();
}

void SocketStream::close_handle() noexcept {
    if (uv_is_closing(&handle_.any) == 0) {
        uv_close(&handle_.any, on_closed);
    }
}

void SocketStream::on_closed(uv_handle_t* handle) {
    SocketStream& stream = *static_cast<SocketStream*>(handle->data);
    stream.opened_ = false;
    if (stream.closing_) {
        delete &stream;
    }
}

// --- input

void SocketStream::start_reading() noexcept {
    if (!reading_ && !peer_is_over()) {
        reading_ = true;
        stopped_ = false;
        if (const int error = uv_read_start(&handle_.stream, on_allocate, on_read); error != 0) {
            end_input(error);
        }
    }
}

void SocketStream::stop_reading() noexcept {
    uv_read_stop(&handle_.stream);
    reading_ = false;
}

void SocketStream::on_allocate(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    const std::span<char> room = static_cast<SocketStream*>(handle->data)->room();
    *buffer = uv_buf_init(room.data(), static_cast<unsigned>(room.size()));
}

void SocketStream::on_read(uv_stream_t* handle, ssize_t count, const uv_buf_t*) {
    static_cast<SocketStream*>(handle->data)->has_read(count);
}

void SocketStream::has_read(ssize_t count) {
    if (count == 0) {
        trim_room();
    } else if (count == UV_ENOBUFS) {
        // Stops only the second time: the buffer is often emptied before the next poll, and
        // stopping and starting again costs two system calls. Without memory for the buffer each
        // poll tries again.
        if (std::exchange(starved_, true) && input_full()) {
            stop_reading();
            stopped_ = true;
        }
    } else if (count < 0) {
        stop_reading();
        end_input(count == UV_EOF ? 0 : static_cast<int>(count));
    } else {
        has_received(static_cast<std::size_t>(count));
    }
}

void SocketStream::room_made() noexcept {
    starved_ = false;
    if (stopped_ && !input_full()) {
        start_reading();
    }
}

// --- output

std::size_t SocketStream::pending() const noexcept {
    return batch_bytes_ + (in_flight_.empty() ? 0 : handle_.stream.write_queue_size);
}

void SocketStream::queue_output(std::string bytes) {
    if (bytes.empty() || output_error() != 0) {
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
        flush_later();
    }
}

UvPoller& SocketStream::poller() const noexcept {
    return static_cast<UvPoller&>(scheduler().poller());  // open_handle() has checked it
}

// Flushes after the next poll, which does not wait, and not before it. The system keeps a socket
// that was readable in its list of readable sockets until the next poll, and the list is in the
// order of service: a peer whose answer left before would come, with its next request, before all
// that had sent theirs earlier.
void SocketStream::flush_later() noexcept {
    poller().write_after_poll(*this);
}

void SocketStream::write_now() noexcept {
    if (observer() != nullptr) {
        observer()->flush_now();
    }
    flush();
}

void SocketStream::cancel_flush() noexcept {
    if (Output::linked()) {
        poller().cancel_output(*this);
    }
}

// Bytes that are queued go first; and short ones cost less when they are written together.
std::size_t SocketStream::try_write(std::string_view bytes) {
    if (bytes.size() <= joined_write || pending() != 0 || output_error() != 0) {
        return 0;
    }
    const uv_buf_t buffer =
        uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
    const int written = uv_try_write(&handle_.stream, &buffer, 1);
    if (written < 0) {
        if (written != UV_EAGAIN) {
            fail_writing(written);
        }
        return 0;
    }
    has_sent(static_cast<std::size_t>(written));
    return static_cast<std::size_t>(written);
}

void SocketStream::flush() {
    cancel_flush();
    while (in_flight_.empty() && !batch_.empty() && output_error() == 0) {
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
            fail_writing(written);
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
void SocketStream::take_written(std::size_t count) noexcept {
    batch_bytes_ -= count;
    has_sent(count);
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
void SocketStream::write_rest() {
    if (write_ == nullptr) {
        write_ = std::make_unique<uv_write_t>();
    }
    std::swap(in_flight_, batch_);
    in_flight_offset_ = std::exchange(batch_offset_, 0);
    in_flight_bytes_ = std::exchange(batch_bytes_, 0);
    std::vector<uv_buf_t> buffers;
    buffers.reserve(in_flight_.size());
    for (std::string& chunk : in_flight_) {
        buffers.push_back(as_buffer(chunk, buffers.empty() ? in_flight_offset_ : 0));
    }
    write_->data = this;
    const int error = uv_write(write_.get(), &handle_.stream, buffers.data(),
                               static_cast<unsigned>(buffers.size()), on_written);
    if (error != 0) {
        in_flight_.clear();
        fail_writing(error);
    }
}

void SocketStream::on_written(uv_write_t* request, int status) {
    SocketStream& stream = *static_cast<SocketStream*>(request->data);
    stream.in_flight_.clear();
    if (stream.closing_) {
        return;
    }
    if (status != 0) {
        stream.fail_writing(status);
        return;
    }
    stream.has_sent(stream.in_flight_bytes_);
    stream.flush();
}

void SocketStream::fail_writing(int error) {
    batch_.clear();
    batch_offset_ = 0;
    batch_bytes_ = 0;
    fail_output(error);
}

void SocketStream::end_output() noexcept {
    assert(pending() == 0);
    if (is_pipe()) {
        if (peer_is_over()) {  // an end that writes; the reader sees the end when it is closed
            close_handle();
        }
    } else {
        ::shutdown(descriptor(), SHUT_WR);
    }
}

}  // namespace weir
