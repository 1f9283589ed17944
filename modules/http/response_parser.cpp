#include "modules/http/response_parser.h"

#include <cassert>
#include <new>
#include <utility>

#include <llhttp.h>

namespace weir::http {

namespace {

constexpr std::string_view head_end = "\r\n\r\n";
constexpr std::size_t most_response_headers = 200;

llhttp_t& response_llhttp(std::array<std::byte, 128>& state) noexcept {
    static_assert(sizeof(llhttp_t) <= sizeof(state));
    return *std::launder(reinterpret_cast<llhttp_t*>(state.data()));
}

}  // namespace

// What llhttp calls. A callback that returns HPE_PAUSED stops it right behind what it has read.
struct ResponseParser::Callbacks {
    static ResponseParser& parser(llhttp_t* llhttp) noexcept {
        return *static_cast<ResponseParser*>(llhttp->data);
    }
    template <class F>
    static int guarded(llhttp_t* llhttp, F function) noexcept {
        try {
            function(parser(llhttp));
            return HPE_OK;
        } catch (...) {
            parser(llhttp).failure_ = std::current_exception();
            return HPE_USER;
        }
    }

    // Names and values come in pieces. Those of trailers are dropped.
    static int name(llhttp_t* llhttp, const char* begin, std::size_t size) noexcept {
        return guarded(llhttp, [&](ResponseParser& self) {
            if (!self.head_ended_) {
                self.name_.append(begin, size);
            }
        });
    }
    static int value(llhttp_t* llhttp, const char* begin, std::size_t size) noexcept {
        return guarded(llhttp, [&](ResponseParser& self) {
            if (!self.head_ended_) {
                self.value_.append(begin, size);
            }
        });
    }
    static int value_complete(llhttp_t* llhttp) noexcept {
        return guarded(llhttp, [](ResponseParser& self) {
            std::string name = std::exchange(self.name_, {});
            std::string value = std::exchange(self.value_, {});
            if (self.head_ended_) {
                return;
            }
            while (value.ends_with(' ') || value.ends_with('\t')) {
                value.pop_back();
            }
            self.headers_.add(std::move(name), std::move(value));
        });
    }
    // 1: whatever the head says, no body follows. What a server sends behind a 204 nevertheless
    // would be taken for the next response: that connection is not used again.
    static int head_complete(llhttp_t* llhttp) noexcept {
        ResponseParser& self = parser(llhttp);
        self.status_ = llhttp->status_code;
        const bool has_framing = (llhttp->flags & (F_CHUNKED | F_CONTENT_LENGTH)) != 0;
        self.keeps_alive_ = llhttp_should_keep_alive(llhttp) != 0 && llhttp->upgrade == 0 &&
                            !(self.status_ == 204 && has_framing);
        self.head_ended_ = true;
        return self.bodyless_ || self.status_ == 204 || self.status_ == 304 ? 1 : 0;
    }
    static int data(llhttp_t* llhttp, const char* begin, std::size_t size) noexcept {
        parser(llhttp).data_ = begin;
        parser(llhttp).data_size_ = size;
        return HPE_OK;
    }
    static int chunk(llhttp_t* llhttp) noexcept {
        parser(llhttp).last_chunk_ = llhttp->content_length == 0;
        return HPE_OK;
    }
    // The last one ends behind the trailers.
    static int chunk_complete(llhttp_t* llhttp) noexcept {
        parser(llhttp).ended_ = parser(llhttp).last_chunk_;
        return HPE_PAUSED;
    }
    static int complete(llhttp_t* llhttp) noexcept {
        parser(llhttp).ended_ = true;
        return HPE_PAUSED;
    }

    static const llhttp_settings_t& all() noexcept {
        static const llhttp_settings_t settings = [] {
            llhttp_settings_t made;
            llhttp_settings_init(&made);
            made.on_header_field = name;
            made.on_header_value = value;
            made.on_header_value_complete = value_complete;
            made.on_headers_complete = head_complete;
            made.on_chunk_header = chunk;
            made.on_body = data;
            made.on_chunk_complete = chunk_complete;
            made.on_message_complete = complete;
            return made;
        }();
        return settings;
    }
};

std::size_t ResponseParser::find_head(std::string_view bytes) const {
    const std::size_t found = bytes.substr(0, most_head_).find(head_end);
    if (found != std::string_view::npos) {
        return found + head_end.size();
    }
    if (bytes.size() >= most_head_) {
        throw ResponseError("the head of the response has more than " + std::to_string(most_head_) +
                            " bytes");
    }
    return 0;
}

void ResponseParser::rethrow() {
    if (failure_) {
        std::rethrow_exception(std::exchange(failure_, nullptr));
    }
}

void ResponseParser::parse_head(std::string_view head) {
    ::new (state_.data()) llhttp_t;
    llhttp_t& llhttp = response_llhttp(state_);
    llhttp_init(&llhttp, HTTP_RESPONSE, &Callbacks::all());
    llhttp.data = this;
    const llhttp_errno_t result = llhttp_execute(&llhttp, head.data(), head.size());
    try {
        rethrow();
    } catch (const std::invalid_argument& error) {
        throw ResponseError(error.what());
    }
    if (result == HPE_PAUSED) {
        llhttp_resume(&llhttp);
    }
    if ((result != HPE_OK && result != HPE_PAUSED && result != HPE_PAUSED_UPGRADE) ||
        !head_ended_) {
        const char* const reason = llhttp_get_error_reason(&llhttp);
        throw ResponseError(std::string("no response of HTTP/1: ") +
                            (reason != nullptr ? reason : "its head is incomplete"));
    }
    if (std::distance(headers_.begin(), headers_.end()) >
        static_cast<std::ptrdiff_t>(most_response_headers)) {
        throw ResponseError("the response has more than " + std::to_string(most_response_headers) +
                            " headers");
    }
}

ResponseParser::Piece ResponseParser::parse_body(std::string_view bytes) {
    assert(head_ended_ && !ended_);
    llhttp_t& llhttp = response_llhttp(state_);
    data_ = nullptr;
    data_size_ = 0;
    const llhttp_errno_t result = llhttp_execute(&llhttp, bytes.data(), bytes.size());
    rethrow();
    std::size_t used = bytes.size();
    if (result == HPE_PAUSED) {
        used = static_cast<std::size_t>(llhttp_get_error_pos(&llhttp) - bytes.data());
        llhttp_resume(&llhttp);
    } else if (result != HPE_OK) {
        throw ResponseError(std::string("in the body of the response: ") +
                            llhttp_get_error_reason(&llhttp));
    }
    Piece piece;
    if (data_size_ != 0) {
        piece.skip = static_cast<std::size_t>(data_ - bytes.data());
        piece.size = data_size_;
        piece.after = used - piece.skip - piece.size;
    } else {
        piece.skip = used;
    }
    return piece;
}

void ResponseParser::end_of_input() {
    llhttp_t& llhttp = response_llhttp(state_);
    const llhttp_errno_t result = llhttp_finish(&llhttp);
    keeps_alive_ = false;
    if ((result != HPE_OK && result != HPE_PAUSED) || !ended_) {
        throw ResponseError("the connection has ended within the response");
    }
}

}  // namespace weir::http
