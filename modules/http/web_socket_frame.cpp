#include "modules/http/web_socket_frame.h"

#include <cstring>

#include "config/text/utf8.h"

namespace weir::http {

namespace {

constexpr std::size_t most_in_control = 125;
// Values of the first length that say how many bytes of the length follow.
constexpr unsigned two_bytes_follow = 126;
constexpr unsigned eight_bytes_follow = 127;

unsigned char byte_at(std::string_view bytes, std::size_t at) noexcept {
    return static_cast<unsigned char>(bytes[at]);
}

std::uint64_t big_endian(std::string_view bytes) noexcept {
    std::uint64_t number = 0;
    for (const char byte : bytes) {
        number = number << 8U | static_cast<unsigned char>(byte);
    }
    return number;
}

void append_big_endian(std::string& target, std::uint64_t number, std::size_t size) {
    for (std::size_t i = size; i-- != 0;) {
        target += static_cast<char>(number >> (8 * i) & 0xFFU);
    }
}

WebSocketError protocol_error(const std::string& what) {
    return {close_code::protocol_error, what};
}

// Checks the first two bytes, which tell the most.
FrameHead checked_start(unsigned first, unsigned second) {
    FrameHead head;
    head.is_final = (first & 0x80U) != 0;
    if ((first & 0x70U) != 0) {
        throw protocol_error("a frame uses an extension that was not agreed on");
    }
    const unsigned opcode = first & 0x0FU;
    if (opcode > 10 || (opcode > 2 && opcode < 8)) {
        throw protocol_error("a frame has the unknown opcode " + std::to_string(opcode));
    }
    head.opcode = static_cast<Opcode>(opcode);
    if ((second & 0x80U) == 0) {
        throw protocol_error("a frame of a client has no mask");
    }
    head.length = second & 0x7FU;
    if (is_control(head.opcode) && !head.is_final) {
        throw protocol_error("a control frame is only a part");
    }
    if (is_control(head.opcode) && head.length > most_in_control) {
        throw protocol_error("a control frame has more than 125 bytes");
    }
    return head;
}

}  // namespace

bool close_code::may_be_sent(std::uint16_t code) noexcept {
    // 1012 to 1014 were registered after the RFC.
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

WebSocketError::~WebSocketError() = default;

std::optional<FrameHead> read_frame_head(std::string_view bytes) {
    if (bytes.size() < 2) {
        return {};
    }
    FrameHead head = checked_start(byte_at(bytes, 0), byte_at(bytes, 1));
    const std::size_t more = head.length == eight_bytes_follow ? 8
                             : head.length == two_bytes_follow ? 2
                                                               : 0;
    head.size = 2 + more + head.mask.size();
    if (bytes.size() < head.size) {
        return {};
    }
    if (more != 0) {
        head.length = big_endian(bytes.substr(2, more));
        if (head.length < (more == 2 ? two_bytes_follow : 0x1'0000U)) {
            throw protocol_error("a frame writes its length longer than it needs");
        }
        if (head.length >> 63U != 0) {
            throw protocol_error("a frame has a length of more than 63 bits");
        }
    }
    std::memcpy(head.mask.data(), bytes.data() + 2 + more, head.mask.size());
    return head;
}

void append_unmasked(std::string& target, std::string_view part, const FrameMask& mask,
                     std::uint64_t offset) {
    // Eight bytes at a time, with the mask turned so that it fits the first of them.
    std::array<char, 8> turned{};
    for (std::size_t i = 0; i != turned.size(); ++i) {
        turned[i] = mask[(offset + i) % mask.size()];
    }
    std::uint64_t wide_mask = 0;
    std::memcpy(&wide_mask, turned.data(), sizeof(wide_mask));
    const std::size_t begin = target.size();
    target.append(part);
    char* at = target.data() + begin;
    char* const end = target.data() + target.size();
    for (; end - at >= 8; at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, at, sizeof(word));
        word ^= wide_mask;
        std::memcpy(at, &word, sizeof(word));
    }
    for (std::size_t i = 0; at != end; ++at, ++i) {
        *at = static_cast<char>(*at ^ turned[i]);
    }
}

std::string frame_bytes(Opcode opcode, std::string_view payload) {
    std::string bytes;
    bytes.reserve(payload.size() + 10);
    bytes += static_cast<char>(0x80U | static_cast<unsigned>(opcode));
    if (payload.size() < two_bytes_follow) {
        bytes += static_cast<char>(payload.size());
    } else if (payload.size() < 0x1'0000U) {
        bytes += static_cast<char>(two_bytes_follow);
        append_big_endian(bytes, payload.size(), 2);
    } else {
        bytes += static_cast<char>(eight_bytes_follow);
        append_big_endian(bytes, payload.size(), 8);
    }
    return bytes += payload;
}

std::string close_payload(std::uint16_t code, std::string_view reason) {
    std::string payload;
    if (code == close_code::none) {
        return payload;
    }
    append_big_endian(payload, code, 2);
    reason = reason.substr(0, most_in_control - payload.size());
    return payload += reason.substr(0, config::utf8_prefix(reason));
}

CloseReason read_close(std::string_view payload) {
    CloseReason reason;
    if (payload.empty()) {
        return reason;
    }
    if (payload.size() == 1) {
        throw protocol_error("a close has half a code");
    }
    reason.code = static_cast<std::uint16_t>(big_endian(payload.substr(0, 2)));
    if (!close_code::may_be_sent(reason.code)) {
        throw protocol_error("a close has the code " + std::to_string(reason.code) +
                             ", which must not be sent");
    }
    reason.text = payload.substr(2);
    if (config::utf8_prefix(reason.text) != reason.text.size()) {
        throw WebSocketError(close_code::not_utf8, "the reason of a close is not UTF-8");
    }
    return reason;
}

}  // namespace weir::http
