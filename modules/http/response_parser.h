#pragma once

#include <array>
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

#include "modules/http/response.h"

namespace weir::http {

// Thrown for what is no response of HTTP/1, or has a head that is too large.
class ResponseError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Parses one response, for clients. llhttp does the work, in its strict form.
//
// All functions but the destructor throw ResponseError.
class ResponseParser {
public:
    // `most_head`: bytes of the longest head. `bodyless`: it answers HEAD.
    ResponseParser(std::size_t most_head, bool bodyless) noexcept
        : most_head_(most_head), bodyless_(bodyless) {}
    ResponseParser(const ResponseParser&) = delete;
    ResponseParser& operator=(const ResponseParser&) = delete;

    // Returns the length of the head with which the bytes begin; 0 if its end is missing.
    std::size_t find_head(std::string_view bytes) const;
    // Reads the head.
    void parse_head(std::string_view head);

    int status() const noexcept { return status_; }
    Headers& headers() noexcept { return headers_; }
    // Whether the connection can take another request after this response.
    bool keeps_alive() const noexcept { return keeps_alive_; }
    // Whether the body has ended; it may have none.
    bool ended() const noexcept { return ended_; }

    // What is next in the body: `skip` bytes of framing, then `size` bytes of data, then `after`
    // bytes of framing again.
    struct Piece {
        std::size_t skip = 0;
        std::size_t size = 0;
        std::size_t after = 0;
    };
    // To be called with the bytes that follow those of the pieces before.
    Piece parse_body(std::string_view bytes);
    // The connection has ended: so has a body without a length.
    void end_of_input();

private:
    struct Callbacks;

    void rethrow();

    const std::size_t most_head_;
    const bool bodyless_;
    int status_ = 0;
    Headers headers_;
    bool keeps_alive_ = false;
    bool ended_ = false;
    bool head_ended_ = false;
    bool last_chunk_ = false;

    // Where llhttp is.
    std::string name_;
    std::string value_;
    const char* data_ = nullptr;
    std::size_t data_size_ = 0;
    std::exception_ptr failure_;  // thrown in a callback, through which no exception passes
    alignas(void*) std::array<std::byte, 128> state_{};
};

}  // namespace weir::http
