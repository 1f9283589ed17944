#pragma once

// A protocol of lines, and its client: "add 5" is answered with the sum so far, "end" with nothing.

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "core/net/stream_server.h"
#include "core/stream/byte_stream.h"

namespace counting {

using namespace std::chrono_literals;

// Speaks the protocol on any stream: a socket, TLS, memory.
inline weir::Task<> serve(weir::ByteStream& stream) {
    long sum = 0;
    while (const auto line = co_await stream.read_line(64)) {
        if (*line == "end") {
            break;
        }
        long number = 0;
        if (line->starts_with("add ")) {
            std::from_chars(line->data() + 4, line->data() + line->size(), number);
        }
        sum += number;
        co_await stream.write(std::to_string(sum) + "\n");
    }
}

inline weir::Task<> serve_client(weir::StreamClient& client) {
    return serve(client.stream());
}

// Adds the number, and returns the sum. Throws StreamError, after 5 s without an answer too.
inline weir::Task<std::string> add(weir::ByteStream& stream, long number) {
    const weir::Time deadline = stream.scheduler().now() + 5s;
    co_await stream.write("add " + std::to_string(number) + "\n", deadline);
    const auto line = co_await stream.read_line(64, deadline);
    co_return std::string(line.value_or("no answer"));
}

}  // namespace counting
