#include "core/stream/byte_stream.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace weir {

ByteStream::ByteStream(Scheduler& scheduler, const StreamOptions& options)
    : Source(scheduler),
      options_(options),
      input_(options.buffer_size, options.max_buffer_size),
      last_received_(scheduler.now()),
      last_sent_(last_received_) {
    assert(options.buffer_size != 0 && options.buffer_size <= options.max_buffer_size);
}

void ByteStream::restart_clock() noexcept {
    last_received_ = last_sent_ = scheduler().now();
}

void ByteStream::signal(SocketEvent::Type type) {
    if (observer_ != nullptr) {
        observer_->signalled(type);
    } else {
        Source::signal(type);
    }
}

// --- for the stream below the buffer

void ByteStream::has_received(std::size_t count) {
    received_ += count;
    last_received_ = scheduler().now();
    if (discarding_) {
        trim_room();
        return;
    }
    input_.add(count);
    signal(SocketEvent::Type::readable);
}

void ByteStream::end_input(int error, std::string_view detail) {
    if (peer_is_over()) {
        return;
    }
    if (error == 0) {
        ended_ = true;
    } else {
        set_detail(detail);
        input_error_ = error;
    }
    input_.trim();
    signal(discarding_ ? SocketEvent::Type::changed : SocketEvent::Type::readable);
}

void ByteStream::has_sent(std::size_t count) noexcept {
    if (count != 0) {
        sent_ += count;
        last_sent_ = scheduler().now();
    }
}

void ByteStream::fail_output(int error, std::string_view detail) {
    if (output_error_ == 0) {
        set_detail(detail);
        output_error_ = error;
        signal(SocketEvent::Type::writable);
        signal(SocketEvent::Type::changed);
    }
}

void ByteStream::set_detail(std::string_view detail) {
    if (detail_.empty()) {
        detail_ = detail;
    }
}

StreamError ByteStream::input_failure() const {
    return StreamError("reading from " + peer(), input_error_, detail_);
}

StreamError ByteStream::output_failure() const {
    return StreamError("writing to " + peer(), output_error_, detail_);
}

// --- input without waiting

void ByteStream::consume(std::size_t count) noexcept {
    input_.take_back();
    input_.consume(count);
    seen_ = input_.size();
    room_made();
}

bool ByteStream::make_room() {
    if (!input_.make_room()) {
        return false;
    }
    room_made();
    return true;
}

void ByteStream::discard_input() noexcept {
    discarding_ = true;
    consume(input_.size());
}

void ByteStream::cut_input() {
    discarding_ = true;
    cut_ = true;
    signal(SocketEvent::Type::readable);
}

std::string_view ByteStream::take(std::size_t count) noexcept {
    const std::string_view taken = input_.take(count);
    seen_ = input_.size();
    return taken;
}

void ByteStream::take_back() noexcept {
    input_.take_back();
    room_made();
}

// --- reading

Task<> ByteStream::wait(SocketEvent::Type type, Time deadline, std::string_view doing) {
    const bool signalled = co_await SignalWait(*this, type, deadline);
    if (!signalled) {
        throw StreamError(std::string(doing) + peer(), UV_ETIMEDOUT);
    }
}

Task<std::string_view> ByteStream::peek(std::size_t least, Time deadline) {
    take_back();
    while (input_.size() < least && !input_ended()) {
        if (input_error_ != 0) {
            throw input_failure();
        }
        if (!make_room()) {
            throw StreamError("reading from " + peer(), UV_EMSGSIZE);
        }
        if (input_.size() >= least || input_over()) {
            continue;
        }
        start_reading();
        if (!input_over()) {  // it may have failed at once
            co_await wait(SocketEvent::Type::readable, deadline, "reading from ");
        }
    }
    seen_ = input_.size();
    co_return input_.bytes();
}

Task<std::string_view> ByteStream::read_some(std::size_t most, Time deadline) {
    const std::string_view there = co_await peek(1, deadline);
    co_return take(std::min(most, there.size()));
}

Task<std::string_view> ByteStream::read_exactly(std::size_t count, Time deadline) {
    const std::string_view there = co_await peek(count, deadline);
    if (there.size() < count) {
        throw StreamError("reading from " + peer(), UV_EOF);
    }
    co_return take(count);
}

Task<std::optional<std::string_view>> ByteStream::read_until(std::string delimiter,
                                                             std::size_t limit, Time deadline) {
    assert(!delimiter.empty());
    std::size_t searched = 0;  // no delimiter begins before
    for (std::size_t least = 1;;) {
        const std::string_view there = co_await peek(least, deadline);
        const std::size_t found = there.find(delimiter, searched);
        if (found != std::string_view::npos && found + delimiter.size() <= limit) {
            co_return take(found + delimiter.size());
        }
        if (there.size() >= limit) {
            throw StreamError("reading from " + peer(), UV_EMSGSIZE);
        }
        if (there.size() < least) {
            if (there.empty()) {
                co_return std::nullopt;
            }
            throw StreamError("reading from " + peer(), UV_EOF);
        }
        searched = there.size() - std::min(there.size(), delimiter.size() - 1);
        least = there.size() + 1;
    }
}

Task<std::optional<std::string_view>> ByteStream::read_line(std::size_t limit, Time deadline) {
    std::optional<std::string_view> line = co_await read_until("\n", limit, deadline);
    if (line) {
        line->remove_suffix(line->ends_with("\r\n") ? 2 : 1);
    }
    co_return line;
}

Task<> ByteStream::read_into(std::span<char> target, Time deadline) {
    while (!target.empty()) {
        const std::string_view bytes = co_await read_some(target.size(), deadline);
        if (bytes.empty()) {
            throw StreamError("reading from " + peer(), UV_EOF);
        }
        std::memcpy(target.data(), bytes.data(), bytes.size());
        target = target.subspan(bytes.size());
    }
}

Task<std::uint64_t> ByteStream::copy_to(ByteStream& target, Time deadline, std::uint64_t most) {
    std::uint64_t copied = 0;
    while (copied != most) {
        const std::string_view bytes = co_await peek(1, deadline);
        if (bytes.empty()) {
            break;
        }
        const std::string_view part =
            bytes.substr(0, std::min<std::uint64_t>(bytes.size(), most - copied));
        const std::size_t written = target.try_write(part);
        std::string rest(part.substr(written));
        // The bytes are the target's from here on, also if this routine is unwound.
        consume(part.size());
        copied += part.size();
        co_await target.write(std::move(rest), deadline);
    }
    co_return copied;
}

// --- writing

void ByteStream::check_output() const {
    if (output_error_ != 0) {
        throw output_failure();
    }
}

Task<> ByteStream::write(std::string bytes, Time deadline) {
    check_output();
    if (output_ended_) {
        throw StreamError("writing to " + peer(), UV_EPIPE);
    }
    if (!bytes.empty()) {
        queue_output(std::move(bytes));
    }
    if (pending() >= options_.write_buffer_size) {
        flush();
    }
    while (pending() >= options_.write_buffer_size && output_error_ == 0) {
        co_await wait(SocketEvent::Type::writable, deadline, "writing to ");
    }
    check_output();
}

Task<> ByteStream::drain(Time deadline) {
    flush();
    while (pending() != 0 && output_error_ == 0) {
        co_await wait(SocketEvent::Type::writable, deadline, "writing to ");
    }
    check_output();
}

Task<> ByteStream::shutdown(Time deadline) {
    co_await drain(deadline);
    if (!std::exchange(output_ended_, true)) {
        end_output();
    }
}

Task<> ByteStream::finish(Time deadline) {
    co_await shutdown(deadline);
    discard_input();
    while (!peer_is_over()) {
        start_reading();
        if (!peer_is_over()) {
            co_await wait(SocketEvent::Type::changed, deadline, "closing the connection to ");
        }
    }
}

Task<> ByteStream::open(Time) {
    co_return;
}

}  // namespace weir
