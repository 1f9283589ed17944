#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "core/run/scheduler.h"
#include "core/stream/byte_stream.h"

namespace weir::http {

// Bytes of a response for which its client has the whole time of a write.
inline constexpr std::size_t timed_piece = 64 * 1024;

namespace detail {

inline Task<> write_pieces(ByteStream& stream, std::string bytes, Duration time) {
    for (std::size_t at = 0; at < bytes.size(); at += timed_piece) {
        co_await stream.write(bytes.substr(at, timed_piece), stream.scheduler().now() + time);
    }
}

}  // namespace detail

// Writes to a client, and throws StreamError with UV_ETIMEDOUT when it takes too little: `time` is
// that of each piece, however many there are. So a client that reads steadily gets the whole.
inline Task<> timed_write(ByteStream& stream, std::string bytes, Duration time) {
    if (bytes.size() > timed_piece) {
        return detail::write_pieces(stream, std::move(bytes), time);
    }
    return stream.write(std::move(bytes), stream.scheduler().now() + time);
}

}  // namespace weir::http
