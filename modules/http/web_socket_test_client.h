#pragma once

// What clients of a WebSocket send, byte by byte, for tests and the fuzzer.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace weir::http {

// Returns a client's frame: `first` is its first byte, the payload is masked.
inline std::string masked_frame(unsigned first, std::string_view payload) {
    std::string frame(1, static_cast<char>(first));
    const auto append = [&frame](std::size_t number, std::size_t size) {
        while (size-- != 0) {
            frame += static_cast<char>(number >> (8 * size) & 0xFFU);
        }
    };
    if (payload.size() < 126) {
        append(0x80U | payload.size(), 1);
    } else if (payload.size() < 65'536) {
        append(0xFE, 1);
        append(payload.size(), 2);
    } else {
        append(0xFF, 1);
        append(payload.size(), 8);
    }
    constexpr std::string_view mask = "\x37\xFA\x21\x3D";
    frame += mask;
    for (std::size_t i = 0; i != payload.size(); ++i) {
        frame += static_cast<char>(payload[i] ^ mask[i % 4]);
    }
    return frame;
}

inline std::string text_frame(std::string_view text) {
    return masked_frame(0x81, text);
}

// What a server has sent in one frame.
struct ServerFrame {
    unsigned opcode;
    std::string payload;
};
inline std::vector<ServerFrame> server_frames(std::string_view bytes) {
    std::vector<ServerFrame> frames;
    while (bytes.size() >= 2) {
        const auto byte = [bytes](std::size_t at) {
            return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U;
        };
        const std::size_t more = byte(1) == 127 ? 8 : byte(1) == 126 ? 2 : 0;
        std::size_t length = more == 0 ? byte(1) : 0;
        for (std::size_t i = 0; i != more; ++i) {
            length = length << 8U | byte(2 + i);
        }
        const std::string_view rest = bytes.substr(std::min(2 + more, bytes.size()));
        frames.push_back({byte(0) & 0x0FU, std::string(rest.substr(0, length))});
        bytes = rest.substr(std::min(length, rest.size()));
    }
    return frames;
}

inline std::string close_frame(std::string_view code_and_reason = "\x03\xE8") {
    return masked_frame(0x88, code_and_reason);
}

// The request of RFC 6455, section 1.3.
inline std::string web_socket_request(std::string_view target, std::string_view more = "") {
    return "GET " + std::string(target) +
           " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
           std::string(more) + "\r\n";
}

}  // namespace weir::http
