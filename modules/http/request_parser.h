#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string_view>

#include "modules/http/limits.h"
#include "modules/http/request.h"

namespace weir::http {

// Parses one request: llhttp does the work, in its strict form, and what it takes all the same is
// refused before. A form that two programs may read in two ways (lines that end with a bare LF,
// folded headers, two lengths) is an error and no guess: behind a proxy such a request could hide
// another one.
//
// All functions but the destructor throw HttpError for what is no request, or too large.
class RequestParser {
public:
    explicit RequestParser(const HttpLimits& limits) noexcept : limits_(limits) {}
    RequestParser(const RequestParser&) = delete;
    RequestParser& operator=(const RequestParser&) = delete;

    // Is as a new one afterwards, with its memory.
    void reset() noexcept;
    // Whether that is no more than usual requests need.
    bool is_small() const noexcept {
        return request_.text.capacity() <= 4096 && request_.headers().capacity() <= 64;
    }

    // Returns the length of the head with which the bytes begin; 0 if its end is missing. To be
    // called again with the same bytes and more.
    std::size_t find_head(std::string_view bytes);
    // Reads the head; copies it.
    void parse_head(std::string_view head);
    const Request& request() const noexcept { return request_; }

    // What is next in a chunked body: `skip` bytes of framing, then `size` bytes of data, then
    // `after` bytes of framing again. `end`: they are the last ones.
    struct Piece {
        std::size_t skip = 0;
        std::size_t size = 0;
        std::size_t after = 0;
        bool end = false;
    };
    // Requires that the request is chunked. To be called with the bytes that follow those of the
    // pieces before. An incomplete frame is a piece without data.
    Piece parse_chunks(std::string_view bytes);

private:
    struct Callbacks;

    void check_line(std::string_view line) const;
    void check_framing();
    void check_chunk_framing() const;
    void split_target();

    const HttpLimits& limits_;
    Request request_;
    std::size_t scanned_ = 0;     // of the head: up to a line that is incomplete
    bool name_ended_ = false;     // the value of the last header has begun
    std::exception_ptr failure_;  // thrown in a callback, through which no exception passes

    // Of the chunks.
    const char* data_ = nullptr;
    std::size_t data_size_ = 0;
    bool last_chunk_ = false;
    bool chunks_ended_ = false;
    std::size_t framing_ = 0;  // bytes since the last data

    // llhttp's state, whose header only the source file includes.
    alignas(void*) std::array<std::byte, 128> state_{};
};

}  // namespace weir::http
