#include "modules/http/web_socket.h"

#include <algorithm>
#include <new>
#include <stdexcept>

#include <uv.h>

#include "config/text/utf8.h"
#include "core/run/scheduler.h"
#include "core/run/watch.h"
#include "core/wait/timeout.h"
#include "modules/http/timed_write.h"

namespace weir::http {

namespace {

Timer ping_timer(Scheduler& scheduler, Duration interval) {
    return interval == Duration() ? Timer() : scheduler.set_timer(interval, interval);
}

void check_text(std::string_view text) {
    if (config::utf8_prefix(text) != text.size()) {
        throw std::invalid_argument("a text that is not UTF-8 cannot be sent by a WebSocket");
    }
}

}  // namespace

WebSocket::WebSocket(Exchange& exchange, WebSocketOptions options)
    : exchange_(exchange),
      stream_(exchange.stream()),
      options_(std::move(options)),
      readable_(stream_.matcher(SocketEvent::Type::readable)),
      timer_(ping_timer(stream_.scheduler(), options_.ping_interval)) {
    exchange.traffic().web_sockets.push_back(*this);
}

WebSocket::~WebSocket() {
    if (stream_.output_error() != 0) {
        return;
    }
    try {
        close_with(close_code::going_away, "the server ends");
    } catch (const std::bad_alloc&) {  // the connection ends without it
    }
}

// --- frames

void WebSocket::begin_frame() {
    stream_.consume(frame_->size);
    exchange_.traffic().received += frame_->size;
    left_ = frame_->length;
    if (is_control(frame_->opcode)) {
        control_.clear();
        return;
    }
    const bool goes_on = message_opcode_ != Opcode::continuation;
    if (goes_on != (frame_->opcode == Opcode::continuation)) {
        throw WebSocketError(
            close_code::protocol_error,
            goes_on ? "a message begins within another" : "a message begins with its continuation");
    }
    if (left_ > options_.max_message - message_.size()) {
        throw WebSocketError(
            close_code::too_big,
            "a message has more than " + std::to_string(options_.max_message) + " bytes");
    }
    if (!goes_on) {
        message_opcode_ = frame_->opcode;
    }
}

WebSocketMessage WebSocket::end_message() {
    WebSocketMessage message;
    message.is_text = std::exchange(message_opcode_, Opcode::continuation) == Opcode::text;
    message.bytes = std::exchange(message_, {});
    if (message.is_text && config::utf8_prefix(message.bytes) != message.bytes.size()) {
        throw WebSocketError(close_code::not_utf8, "a message of text is not UTF-8");
    }
    return message;
}

void WebSocket::end_control_frame() {
    switch (frame_->opcode) {
        case Opcode::ping:
            owed_pong_ = control_;
            answer_ping();
            break;
        case Opcode::close:
            close_received_ = true;
            if (!closed_) {
                closed_ = read_close(control_);
            }
            if (!close_sent_) {
                close_sent_ = true;
                queue(Opcode::close, close_payload(closed_->code, {}));
            }
            break;
        default:  // a pong says only that the client lives
            break;
    }
}

// Returns the message that the frame has ended.
std::optional<WebSocketMessage> WebSocket::end_frame() {
    std::optional<WebSocketMessage> message;
    if (is_control(frame_->opcode)) {
        end_control_frame();
    } else if (frame_->is_final) {
        message = end_message();
    }
    frame_.reset();
    return message;
}

// Returns the next message of which all has come. A part of one is taken out of the stream's
// buffer, so that a message may be longer than that.
std::optional<WebSocketMessage> WebSocket::take() {
    stream_.consume(0);  // what a read may have borrowed
    while (!close_received_) {
        if (!frame_) {
            frame_ = read_frame_head(stream_.input());
            if (!frame_) {
                break;
            }
            begin_frame();
        }
        const std::string_view there = stream_.input();
        const std::string_view part = there.substr(0, std::min<std::uint64_t>(there.size(), left_));
        std::string& target = is_control(frame_->opcode) ? control_ : message_;
        append_unmasked(target, part, frame_->mask, frame_->length - left_);
        left_ -= part.size();
        exchange_.traffic().received += part.size();
        stream_.consume(part.size());
        if (left_ != 0) {
            break;
        }
        if (std::optional<WebSocketMessage> message = end_frame()) {
            return message;
        }
    }
    return {};
}

// --- control frames that this side sends

void WebSocket::queue(Opcode opcode, std::string_view payload) {
    std::string bytes = frame_bytes(opcode, payload);
    exchange_.traffic().sent += bytes.size();
    stream_.queue_output(std::move(bytes));
}

// A client that pings and does not read is owed one pong, for its last ping: the pings that came
// before need no answer of their own (section 5.5.3).
void WebSocket::answer_ping() {
    if (owed_pong_ && !close_sent_ && stream_.pending() < stream_.options().write_buffer_size) {
        queue(Opcode::pong, *owed_pong_);
        owed_pong_.reset();
    }
}

void WebSocket::check_alive() {
    if (options_.ping_interval == Duration()) {
        return;
    }
    const Time now = stream_.scheduler().now();
    const Time heard = stream_.last_received();
    if (now - heard < options_.ping_interval) {
        return;
    }
    if (!pinged_at_ || *pinged_at_ <= heard) {
        pinged_at_ = now;
        queue(Opcode::ping, {});
    } else if (now - *pinged_at_ >= options_.ping_interval) {
        closed_ = CloseReason{close_code::abnormal, "no ping is answered"};
        close_sent_ = close_received_ = true;  // nothing more can reach the client
        throw StreamError("waiting for " + stream_.peer() + " to answer a ping", UV_ETIMEDOUT);
    }
}

void WebSocket::close_with(std::uint16_t code, std::string_view reason) {
    if (!close_sent_) {
        const std::string payload = close_payload(code, reason);
        closed_ = CloseReason{code, std::string(reason)};
        close_sent_ = true;
        queue(Opcode::close, payload);
    }
}

// --- receiving

// Takes the next message, if it is there, and sees to everything else that is due. Arms the stream.
std::optional<WebSocketMessage> WebSocket::look() {
    try {
        std::optional<WebSocketMessage> message = take();
        if (message || closed_) {
            return message;
        }
    } catch (const WebSocketError& error) {
        close_with(error.code(), error.what());
        throw;
    }
    if (stream_.input_over()) {
        if (stream_.input_error() == 0 && exchange_.is_last()) {
            close_with(close_code::going_away, "the server ends");
        } else {
            closed_ = CloseReason{close_code::abnormal, "the connection has ended"};
            close_sent_ = close_received_ = true;
        }
        return {};
    }
    answer_ping();
    check_alive();
    stream_.start_reading();
    stream_.want(SocketEvent::Type::readable);
    return {};
}

std::vector<Matcher> WebSocket::matchers() const {
    std::vector<Matcher> made{readable_};
    if (timer_.active()) {
        made.emplace_back(timer_.matcher());
    }
    return made;
}

Task<std::optional<WebSocketMessage>> WebSocket::receive(Time deadline) {
    for (;;) {
        std::optional<WebSocketMessage> message = look();
        if (message || closed_) {
            co_return message;
        }
        const Time now = stream_.scheduler().now();
        std::optional<Duration> left;
        if (deadline != no_deadline) {
            if (deadline <= now) {
                throw StreamError("waiting for a message of " + stream_.peer(), UV_ETIMEDOUT);
            }
            left = deadline - now;
        }
        co_await WaitWithTimeout(left, matchers());
    }
}

Task<bool> WebSocket::while_open(Task<> task) {
    const auto look_for_end = [this](const Ref<Event>&, std::size_t) {
        if (look()) {
            close_with(close_code::unsupported, "the server expects no messages here");
        }
        if (closed_) {
            throw HasClosed();
        }
    };
    bool ended = false;
    try {
        look_for_end({}, 0);
        WatchedTask<void> watched(std::move(task), matchers(), look_for_end);
        co_await watched;
        ended = true;
    } catch (const HasClosed&) {
    }
    co_return ended;
}

// --- sending

Task<> WebSocket::write(std::string frame) {
    if (closed_) {
        throw StreamError("sending to " + stream_.peer(), UV_EPIPE, "the WebSocket is closed");
    }
    exchange_.traffic().sent += frame.size();
    return timed_write(stream_, std::move(frame), exchange_.limits().write_time);
}

Task<> WebSocket::send(std::string_view text) {
    check_text(text);
    return write(frame_bytes(Opcode::text, text));
}

Task<> WebSocket::send_binary(std::string_view bytes) {
    return write(frame_bytes(Opcode::binary, bytes));
}

void WebSocket::post(std::string_view text) {
    check_text(text);
    if (!closed_) {
        queue(Opcode::text, text);
    }
}

Task<> WebSocket::room() {
    return write({});
}

// --- closing

void WebSocket::end(std::uint16_t code, std::string_view reason) {
    if (!closed_) {
        close_with(code, reason);
        stream_.signal(SocketEvent::Type::readable);
    }
}

Task<> WebSocket::close(std::uint16_t code, std::string reason) {
    close_with(code, reason);
    const Time deadline = stream_.scheduler().now() + options_.close_time;
    while (!close_received_ && !stream_.input_over()) {
        try {
            static_cast<void>(take());
        } catch (const WebSocketError&) {  // it has ended already
            co_return;
        }
        const Duration left = deadline - stream_.scheduler().now();
        if (close_received_ || stream_.input_over() || left <= Duration()) {
            co_return;
        }
        stream_.start_reading();
        stream_.want(SocketEvent::Type::readable);
        co_await wait_with_timeout(left, readable_);
    }
}

}  // namespace weir::http
