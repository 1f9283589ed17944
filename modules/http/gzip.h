#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace weir::http {

// Thrown for bytes that are no gzip.
class GzipError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Decodes gzip piece by piece, in bounded memory: 64 KiB of output at a time, however small the
// input is that makes them.
class GzipDecoder {
public:
    // Throws std::bad_alloc.
    GzipDecoder();
    ~GzipDecoder();
    GzipDecoder(const GzipDecoder&) = delete;
    GzipDecoder& operator=(const GzipDecoder&) = delete;

    struct Step {
        std::size_t taken = 0;    // bytes of the input
        std::string_view output;  // valid until the next step
    };
    // Decodes some of the bytes. There may be more output although it has taken all: to be called
    // until the output is empty. Throws GzipError.
    Step decode(std::string_view bytes);
    // Whether the compressed data is complete.
    bool ended() const noexcept { return ended_; }

private:
    struct State;
    std::unique_ptr<State> state_;
    bool ended_ = false;
};

// Compresses to gzip piece by piece, with some 100 KB of memory.
class GzipEncoder {
public:
    // Throws std::bad_alloc.
    GzipEncoder();
    ~GzipEncoder();
    GzipEncoder(const GzipEncoder&) = delete;
    GzipEncoder& operator=(const GzipEncoder&) = delete;

    // Returns what these bytes add to the compressed data; maybe nothing until the last ones.
    std::string encode(std::string_view bytes, bool is_last);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace weir::http
