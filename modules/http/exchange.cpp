#include "modules/http/exchange.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdio>

#include <uv.h>

#include "core/wait/do_events.h"
#include "modules/http/gzip.h"
#include "modules/http/http_error.h"
#include "modules/http/timed_write.h"

namespace weir::http {

namespace {

// A body that its handler did not read is read to its end, so that the connection can go on, if it
// is not longer than this.
constexpr std::uint64_t most_drained = 64 * 1024;

// So many bytes are compressed at a time, in about a millisecond; then other routines have their
// turn.
constexpr std::size_t encoded_piece = 32 * 1024;

bool is_compressible(std::string_view type) {
    constexpr std::string_view known[] = {
        "application/json",       "application/problem+json",
        "application/javascript", "application/xml",
        "image/svg+xml",          "application/manifest+json",
    };
    type = type.substr(0, type.find(';'));
    return type.starts_with("text/") || std::ranges::find(known, type) != std::end(known);
}

}  // namespace

Exchange::Exchange(ByteStream& stream, const HttpLimits& limits, const Client& client,
                   RequestParser& parser, const std::function<bool()>& last,
                   Traffic& traffic) noexcept
    : stream_(stream),
      limits_(limits),
      client_(client),
      parser_(parser),
      caller_(client.anonymous),
      last_(last),
      traffic_(traffic),
      started_(stream.scheduler().now()),
      keep_alive_(parser.request().keep_alive),
      body_limit_(limits.body),
      body_ended_(!parser.request().has_body()),
      continued_(!parser.request().expects_continue) {}

Exchange::~Exchange() = default;

const HeaderLines Exchange::no_headers;

// --- the body of the request

void Exchange::count_body(std::uint64_t size) {
    received_ += size;
    if (received_ > body_limit_) {
        throw HttpError(413, "body_too_large",
                        "the body has more than " + std::to_string(body_limit_) + " bytes");
    }
}

Task<std::string_view> Exchange::read() {
    if (body_ended_) {
        co_return std::string_view();
    }
    if (!request().chunked && request().length > body_limit_) {
        count_body(request().length);
    }
    if (!continued_ && !begun_) {
        stream_.queue_output("HTTP/1.1 100 Continue\r\n\r\n");
    }
    continued_ = true;
    if (body_deadline_ == no_deadline) {
        body_deadline_ = in(limits_.whole_body_time);
    }
    // Where the body ends is known only while reading succeeds: behind a read that throws, bytes of
    // the body could pass for the next request.
    const bool keep_alive = std::exchange(keep_alive_, false);
    std::string_view bytes;
    try {
        if (request().chunked) {
            bytes = co_await read_chunk();
        } else {
            bytes = co_await read_piece();
        }
        keep_alive_ = keep_alive;
    } catch (const StreamError& error) {
        if (error.code() == UV_ETIMEDOUT) {
            throw HttpError(408, "timeout", "the body of the request has not come");
        }
        throw;
    }
    co_return bytes;
}

Task<std::string_view> Exchange::read_piece() {
    const std::uint64_t left = request().length - received_;
    const std::string_view bytes = co_await stream_.read_some(left, body_time());
    if (bytes.empty()) {
        throw StreamError("reading from " + stream_.peer(), UV_EOF);
    }
    traffic_.received += bytes.size();
    count_body(bytes.size());
    body_ended_ = received_ == request().length;
    co_return bytes;
}

Task<std::string_view> Exchange::read_chunk() {
    stream_.consume(std::exchange(after_, 0));
    for (;;) {
        const std::string_view input = co_await stream_.peek(1, body_time());
        if (input.empty()) {
            throw StreamError("reading from " + stream_.peer(), UV_EOF);
        }
        const RequestParser::Piece piece = parser_.parse_chunks(input);
        stream_.consume(piece.skip);
        traffic_.received += piece.skip + piece.size + piece.after;
        body_ended_ = piece.end;
        if (piece.size != 0) {
            count_body(piece.size);
            after_ = piece.after;
            co_return co_await stream_.read_some(piece.size);
        }
        if (piece.end) {
            co_return std::string_view();
        }
    }
}

Task<std::string> Exchange::read_all() {
    std::string all;
    for (;;) {
        const std::string_view bytes = co_await read();
        if (bytes.empty()) {
            co_return all;
        }
        all += bytes;
    }
}

std::optional<std::string> Exchange::take_all() {
    if (body_ended_) {
        return std::string();
    }
    const std::uint64_t length = request().length;
    if (request().chunked || received_ != 0 || length > body_limit_ || !continued_ ||
        stream_.input().size() < length) {
        return {};
    }
    const auto size = static_cast<std::size_t>(length);
    std::string all(stream_.input().substr(0, size));
    stream_.consume(size);
    traffic_.received += size;
    received_ = length;
    body_ended_ = true;
    return all;
}

// --- the response

// Compresses what is worth it. A response that differs with the client's word says so to caches
// (Vary), also where it is not compressed: then this returns true.
bool Exchange::choose_encoding(int status, Headers& headers, std::uint64_t length) {
    if (status != 200 || limits_.compressed_from == 0 || length < limits_.compressed_from ||
        request().minor_version == 0) {
        return false;
    }
    const std::string* const type = find_header(headers, "Content-Type");
    if (type == nullptr || !is_compressible(*type) ||
        find_header(headers, "Content-Encoding") != nullptr) {
        return false;
    }
    if (!request().accepts_gzip()) {
        return true;
    }
    encoder_ = std::make_unique<GzipEncoder>();
    headers.set("Content-Encoding", "gzip");
    if (const std::string* const tag = headers.find("ETag"); tag && !tag->starts_with("W/")) {
        headers.set("ETag", "W/" + *tag);
    }
    return true;
}

// Returns the value of a header that the response will have.
const std::string* Exchange::find_header(const Headers& headers,
                                         std::string_view name) const noexcept {
    for (const Headers* some : {&headers, &std::as_const(added_), &common_->headers()}) {
        if (const std::string* const value = some->find(name)) {
            return value;
        }
    }
    return nullptr;
}

void Exchange::count_response(int status) {
    assert(!begun_);
    begun_ = true;
    status_ = status;
    traffic_.count_response(status);
    traffic_.time.record(scheduler().now() - started_);
    bodyless_ = status == 204 || status == 304 || status < 200;
}

// `body`: how many bytes the caller will append.
std::string Exchange::start_response(int status, Headers headers,
                                     std::optional<std::uint64_t> length, std::size_t body) {
    count_response(status);
    bool varies = false;
    if (bodyless_) {
        framing_ = Framing::none;
    } else if (length) {
        varies = choose_encoding(status, headers, *length);
        framing_ = encoder_ ? Framing::chunked : Framing::length;
        has_length_ = true;
        left_ = *length;
    } else {
        framing_ = request().minor_version == 1 ? Framing::chunked : Framing::close;
    }
    // What was promised to be read to its end is not when it is too long.
    const bool unread = !body_ended_ && (!continued_ || request().length > most_drained);
    keep_alive_ = keep_alive_ && framing_ != Framing::close && !unread && !last_();
    const bool says_keep_alive = keep_alive_ && request().minor_version == 0;
    if (says_keep_alive) {
        headers.remove("Connection");
    }
    ResponseHead head(status, traffic_.date.now(scheduler()), body);
    head.add(headers);
    add_other_headers(head, headers);
    if (varies) {
        head.add("Vary", "Accept-Encoding");
    }
    if (says_keep_alive) {
        head.add("Connection", "keep-alive");
    }
    return std::move(head).end(framing_, left_, keep_alive_);
}

// Adds those that the response itself does not have.
void Exchange::add_other_headers(ResponseHead& head, const Headers& headers) {
    if (added_.empty() && !common_->shares_with(headers)) {
        head.add(*common_);
        return;
    }
    head.add_missing(added_, {&headers});
    head.add_missing(common_->headers(), {&headers, &added_});
}

bool Exchange::respond_now(int status, const HeaderLines& headers, std::string_view body) {
    const std::size_t most = stream_.options().write_buffer_size;
    if (stream_.output_error() != 0 || stream_.pending() + body.size() + limits_.head >= most ||
        (limits_.compressed_from != 0 && body.size() >= limits_.compressed_from) || !body_ended_ ||
        status == 204 || status == 304 || request().minor_version == 0) {
        return false;
    }
    count_response(status);
    framing_ = Framing::length;
    has_length_ = true;
    left_ = body.size();
    keep_alive_ = keep_alive_ && !last_();
    ResponseHead head(status, traffic_.date.now(scheduler()), body.size());
    head.add(headers);
    add_other_headers(head, headers.headers());
    std::string bytes = std::move(head).end(framing_, left_, keep_alive_);
    if (!is_bodyless()) {
        bytes += body;
    }
    left_ = 0;
    traffic_.sent += bytes.size();
    stream_.queue_output(std::move(bytes));
    return true;
}

Task<> Exchange::write_now(std::string bytes) {
    traffic_.sent += bytes.size();
    return timed_write(stream_, std::move(bytes), limits_.write_time);
}

Task<> Exchange::write_encoded(std::string head, std::string body) {
    co_await write_now(std::move(head));
    for (std::size_t at = 0; at < body.size() && !is_bodyless(); at += encoded_piece) {
        if (at != 0) {
            co_await do_events();
        }
        co_await write(body.substr(at, encoded_piece));
    }
}

Task<> Exchange::respond(Response response) {
    const std::size_t size = response.body.size();
    std::string bytes = start_response(response.status, std::move(response.headers), size, size);
    if (encoder_) {
        return write_encoded(std::move(bytes), std::move(response.body));
    }
    if (!is_bodyless()) {
        bytes += response.body;
    }
    left_ = 0;
    return write_now(std::move(bytes));
}

Task<> Exchange::begin(int status, Headers headers, std::optional<std::uint64_t> length) {
    return write_now(start_response(status, std::move(headers), length));
}

Task<> Exchange::switch_protocols(Headers headers) {
    assert(body_ended_);
    std::string bytes = start_response(101, std::move(headers), {});
    keep_alive_ = false;
    return write_now(std::move(bytes));
}

Task<> Exchange::write(std::string bytes) {
    assert(begun_ && framing_ != Framing::none);
    if (has_length_) {
        assert(bytes.size() <= left_);
        left_ -= bytes.size();
    }
    if (encoder_ && !is_bodyless()) {
        bytes = encoder_->encode(bytes, left_ == 0);
    }
    if (is_bodyless() || bytes.empty()) {
        bytes.clear();
    } else if (framing_ == Framing::chunked) {
        std::array<char, 24> size{};
        const int digits = std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
        bytes.insert(0, size.data(), static_cast<std::size_t>(digits));
        bytes += "\r\n";
    }
    return write_now(std::move(bytes));
}

void Exchange::check_connected() {
    if (stream_.input_error() != 0) {
        throw stream_.input_failure();
    }
    if (stream_.input_ended()) {
        throw StreamError("waiting with a request of " + stream_.peer(), UV_EOF);
    }
    // Reads on behind the request: a buffer that is full would hide the end.
    stream_.consume(0);
    const std::size_t behind = stream_.input().size();
    if (behind > limits_.head + limits_.body ||
        (behind != 0 && behind == stream_.buffer_capacity() && !stream_.make_room())) {
        throw StreamError("waiting with a request of " + stream_.peer(), UV_EMSGSIZE,
                          "too much has come behind it");
    }
    stream_.start_reading();
}

void Exchange::watch_for_end() {
    check_connected();
    stream_.want(SocketEvent::Type::readable);
}

// --- the end

Task<bool> Exchange::finish() {
    if (!begun_) {
        throw std::logic_error("the handler has not responded");
    }
    if (framing_ == Framing::chunked && !is_bodyless()) {
        co_await write_now("0\r\n\r\n");
    }
    if (left_ != 0 && !is_bodyless()) {
        throw StreamError("the response to " + stream_.peer() + " is shorter than announced",
                          UV_EIO);
    }
    if (!keep_alive_) {
        co_return false;
    }
    body_limit_ = received_ + most_drained;
    while (!body_ended_) {
        static_cast<void>(co_await read());
    }
    stream_.consume(std::exchange(after_, 0));
    co_return true;
}

}  // namespace weir::http
