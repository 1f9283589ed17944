#include "modules/http/request_parser.h"

#include <algorithm>
#include <cassert>
#include <new>
#include <optional>
#include <utility>

#include <llhttp.h>

#include "config/text/quoted.h"
#include "modules/http/http_error.h"

namespace weir::http {

namespace {

// Bytes of chunk sizes, their extensions and trailers, between two pieces of data: a client that
// sends only framing would keep the server busy for nothing.
constexpr std::size_t most_framing = 4096;

HttpError bad_request(std::string what) {
    return {400, "bad_request", std::move(what)};
}

llhttp_t& llhttp_of(std::array<std::byte, 128>& state) noexcept {
    static_assert(sizeof(llhttp_t) <= sizeof(state));
    return *std::launder(reinterpret_cast<llhttp_t*>(state.data()));
}

}  // namespace

// What llhttp calls. A callback that returns HPE_PAUSED stops it right behind what it has read.
struct RequestParser::Callbacks {
    static RequestParser& parser(llhttp_t* llhttp) noexcept {
        return *static_cast<RequestParser*>(llhttp->data);
    }

    static int url(llhttp_t* llhttp, const char* begin, std::size_t size) noexcept {
        parser(llhttp).request_.target = {begin, size};
        return HPE_OK;
    }
    static int name(llhttp_t* llhttp, const char* begin, std::size_t size) noexcept {
        RequestParser& self = parser(llhttp);
        if (!self.request_.chunked) {  // not of a trailer, which is dropped
            try {
                self.request_.add_header({{begin, size}, {}});
            } catch (...) {
                self.failure_ = std::current_exception();
                return HPE_USER;
            }
        }
        return HPE_OK;
    }
    // The value comes in pieces if llhttp looks into it, side by side.
    static int value(llhttp_t* llhttp, const char* begin, std::size_t size) noexcept {
        RequestParser& self = parser(llhttp);
        if (!self.request_.chunked && size != 0) {
            const std::string_view value = self.request_.headers().back().value;
            const char* const first = value.empty() ? begin : value.data();
            self.request_.set_last_value({first, static_cast<std::size_t>(begin + size - first)});
        }
        return HPE_OK;
    }
    static int head_complete(llhttp_t* llhttp) noexcept {
        Request& request = parser(llhttp).request_;
        request.chunked = (llhttp->flags & F_CHUNKED) != 0;
        request.length = (llhttp->flags & F_CONTENT_LENGTH) != 0 ? llhttp->content_length : 0;
        request.keep_alive = llhttp_should_keep_alive(llhttp) != 0;
        llhttp->upgrade = 0;  // a client that offers one gets an answer in HTTP all the same
        return HPE_PAUSED;
    }
    static int chunk(llhttp_t* llhttp) noexcept {
        parser(llhttp).last_chunk_ = llhttp->content_length == 0;
        return HPE_OK;
    }
    static int data(llhttp_t* llhttp, const char* begin, std::size_t size) noexcept {
        parser(llhttp).data_ = begin;
        parser(llhttp).data_size_ = size;
        return HPE_OK;
    }
    static int chunk_complete(llhttp_t* llhttp) noexcept {
        parser(llhttp).chunks_ended_ = parser(llhttp).last_chunk_;
        return HPE_PAUSED;
    }

    static const llhttp_settings_t& all() noexcept {
        static const llhttp_settings_t settings = [] {
            llhttp_settings_t made;
            llhttp_settings_init(&made);
            made.on_url = url;
            made.on_header_field = name;
            made.on_header_value = value;
            made.on_headers_complete = head_complete;
            made.on_chunk_header = chunk;
            made.on_body = data;
            made.on_chunk_complete = chunk_complete;
            return made;
        }();
        return settings;
    }
};

void RequestParser::reset() noexcept {
    request_.clear();
    scanned_ = 0;
    name_ended_ = false;
    failure_ = nullptr;
    data_ = nullptr;
    data_size_ = 0;
    last_chunk_ = chunks_ended_ = false;
    framing_ = 0;
}

// --- the head

// Throws for what llhttp would take, or would report only at the end of a long head.
void RequestParser::check_line(std::string_view line) const {
    if (!line.ends_with('\r')) {
        throw bad_request("a line ends with LF, expected CR LF");
    }
    line.remove_suffix(1);
    const bool first = scanned_ == 0;
    if (first && line.size() > limits_.target + 64) {
        throw HttpError(414, "target_too_long",
                        "the target has more than " + std::to_string(limits_.target) + " bytes");
    }
    if (!first && (line.starts_with(' ') || line.starts_with('\t'))) {
        throw bad_request("a header is folded into several lines");
    }
    if (!first && line.starts_with(':')) {
        throw bad_request("a header has no name");
    }
}

std::size_t RequestParser::find_head(std::string_view bytes) {
    for (;;) {
        const std::size_t end = bytes.find('\n', scanned_);
        if (end == std::string_view::npos) {
            break;
        }
        const std::string_view line = bytes.substr(scanned_, end - scanned_);
        check_line(line);
        if (line == "\r" && scanned_ == 0) {
            throw bad_request("there is an empty line where a request begins");
        }
        scanned_ = end + 1;
        if (scanned_ > limits_.head) {
            break;
        }
        if (line == "\r") {
            return scanned_;
        }
    }
    if (scanned_ == 0 && bytes.size() > limits_.target + 64) {
        throw HttpError(414, "target_too_long",
                        "the target has more than " + std::to_string(limits_.target) + " bytes");
    }
    if (bytes.size() > limits_.head) {
        throw HttpError(
            431, "head_too_large",
            "the head of the request has more than " + std::to_string(limits_.head) + " bytes");
    }
    return 0;
}

void RequestParser::parse_head(std::string_view head) {
    constexpr std::size_t usual_headers = 16;
    request_.text = head;
    request_.reserve_headers(usual_headers);
    const std::string_view text = request_.text;
    const std::size_t space = text.find(' ');
    request_.method = text.substr(0, space);
    if (!is_token(request_.method) || text.substr(space + 1).starts_with(' ')) {
        throw bad_request("the request does not begin with METHOD TARGET HTTP/1.1");
    }
    ::new (state_.data()) llhttp_t;
    llhttp_t& llhttp = llhttp_of(state_);
    llhttp_init(&llhttp, HTTP_REQUEST, &Callbacks::all());
    llhttp.data = this;
    const llhttp_errno_t result = llhttp_execute(&llhttp, text.data(), text.size());
    if (failure_) {
        std::rethrow_exception(std::exchange(failure_, nullptr));
    }
    if (result == HPE_INVALID_METHOD) {
        throw HttpError(501, "unknown_method",
                        "the method '" + config::printable(request_.method) + "' is unknown");
    }
    if (result == HPE_INVALID_VERSION || result == HPE_PAUSED_H2_UPGRADE) {
        throw HttpError(505, "unknown_version", "the server speaks HTTP/1.1 and HTTP/1.0");
    }
    if (result != HPE_PAUSED || llhttp_get_error_pos(&llhttp) != text.data() + text.size()) {
        const char* const reason = llhttp_get_error_reason(&llhttp);
        throw bad_request(reason != nullptr && *reason != 0 ? reason : "the request is incomplete");
    }
    if (llhttp.http_major != 1) {
        throw HttpError(505, "unknown_version", "the server speaks HTTP/1.1 and HTTP/1.0");
    }
    request_.minor_version = llhttp.http_minor;
    llhttp_resume(&llhttp);
    request_.trim_values();
    if (request_.headers().size() > limits_.headers) {
        throw HttpError(
            431, "too_many_headers",
            "the request has more than " + std::to_string(limits_.headers) + " headers");
    }
    check_framing();
    split_target();
}

void RequestParser::check_framing() {
    if (const auto encoding = request_.header("Transfer-Encoding")) {
        if (request_.minor_version == 0) {
            throw bad_request("HTTP/1.0 has no Transfer-Encoding");
        }
        if (!same_name(*encoding, "chunked") || !request_.chunked) {
            throw HttpError(501, "unknown_encoding", "the only Transfer-Encoding is chunked");
        }
    }
    if (const auto expected = request_.header("Expect")) {
        if (!same_name(*expected, "100-continue")) {
            throw HttpError(417, "unknown_expectation", "the only Expect is 100-continue");
        }
        request_.expects_continue = request_.minor_version == 1 && request_.has_body();
    }
}

void RequestParser::split_target() {
    if (request_.target.size() > limits_.target) {
        throw HttpError(414, "target_too_long",
                        "the target has more than " + std::to_string(limits_.target) + " bytes");
    }
    const std::optional<std::string_view> host = request_.header("Host");
    if (!host && request_.minor_version == 1) {
        throw bad_request("the header Host is missing");
    }
    request_.host = host.value_or("");
    std::string_view path = request_.target;
    if (request_.method == "CONNECT") {
        throw HttpError(501, "unknown_method", "the server is no proxy");
    }
    if (path.starts_with('*')) {
        if (request_.method != "OPTIONS" || path.size() != 1) {
            throw bad_request("the target '*' is for OPTIONS");
        }
    } else if (!path.starts_with('/')) {
        // http://host/path, as to a proxy: what it names goes before the header Host.
        const std::size_t scheme = path.find("://");
        if (scheme == std::string_view::npos) {
            throw bad_request("the target is no path");
        }
        path.remove_prefix(scheme + 3);
        const std::size_t end = std::min(path.find_first_of("/?"), path.size());
        request_.host = path.substr(0, end);
        path.remove_prefix(end);
    }
    path = path.substr(0, path.find('#'));
    const std::size_t mark = path.find('?');
    request_.path = path.substr(0, mark);
    request_.query = mark == std::string_view::npos ? std::string_view() : path.substr(mark + 1);
    if (request_.path.empty()) {
        request_.path = "/";
    }
}

// --- the body

void RequestParser::check_chunk_framing() const {
    if (framing_ > most_framing) {
        throw HttpError(
            431, "head_too_large",
            "more than " + std::to_string(most_framing) + " bytes of chunk extensions or trailers");
    }
}

RequestParser::Piece RequestParser::parse_chunks(std::string_view bytes) {
    check_chunk_framing();  // a body that was refused stays refused, also at its end
    assert(request_.chunked && !chunks_ended_);
    llhttp_t& llhttp = llhttp_of(state_);
    data_ = nullptr;
    data_size_ = 0;
    const llhttp_errno_t result = llhttp_execute(&llhttp, bytes.data(), bytes.size());
    std::size_t used = bytes.size();
    if (result == HPE_PAUSED) {
        used = static_cast<std::size_t>(llhttp_get_error_pos(&llhttp) - bytes.data());
        llhttp_resume(&llhttp);
    } else if (result != HPE_OK) {
        throw bad_request(std::string("in the chunked body: ") + llhttp_get_error_reason(&llhttp));
    }
    Piece piece{.end = chunks_ended_};
    if (data_size_ != 0) {
        piece.skip = static_cast<std::size_t>(data_ - bytes.data());
        piece.size = data_size_;
        piece.after = used - piece.skip - piece.size;
    } else {
        piece.skip = used;
    }
    framing_ += piece.skip;
    check_chunk_framing();
    if (piece.size != 0) {
        framing_ = piece.after;
    }
    return piece;
}

}  // namespace weir::http
