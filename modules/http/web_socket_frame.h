#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace weir::http {

// The frames of WebSocket (RFC 6455, section 5) as bytes. Knows nothing of connections and
// messages.

enum class Opcode : std::uint8_t {
    continuation = 0,
    text = 1,
    binary = 2,
    close = 8,
    ping = 9,
    pong = 10,
};

constexpr bool is_control(Opcode opcode) noexcept {
    return opcode >= Opcode::close;
}

// Why a WebSocket ends (section 7.4). Others, up to 4999, belong to applications.
namespace close_code {
inline constexpr std::uint16_t normal = 1000;
inline constexpr std::uint16_t going_away = 1001;
inline constexpr std::uint16_t protocol_error = 1002;
inline constexpr std::uint16_t unsupported = 1003;
inline constexpr std::uint16_t none = 1005;  // the close says no code; is not sent
inline constexpr std::uint16_t abnormal =
    1006;  // the connection has ended without a close; not sent
inline constexpr std::uint16_t not_utf8 = 1007;
inline constexpr std::uint16_t policy = 1008;
inline constexpr std::uint16_t too_big = 1009;
inline constexpr std::uint16_t failed = 1011;

// Returns whether a peer may send it.
bool may_be_sent(std::uint16_t code) noexcept;
}  // namespace close_code

// Thrown when a client breaks the rules of WebSocket, or a limit. The client is told by the code.
class WebSocketError : public std::runtime_error {
public:
    WebSocketError(std::uint16_t code, const std::string& what)
        : std::runtime_error(what), code_(code) {}
    ~WebSocketError() override;

    std::uint16_t code() const noexcept { return code_; }

private:
    std::uint16_t code_;
};

using FrameMask = std::array<char, 4>;

// What stands before the payload of a client's frame.
struct FrameHead {
    Opcode opcode = Opcode::continuation;
    bool is_final = false;     // the last frame of its message
    std::uint64_t length = 0;  // bytes of the payload
    FrameMask mask{};
    std::size_t size = 0;  // bytes of this head
};

// Returns the head with which the bytes begin; nothing if its end is missing. Throws WebSocketError
// for what a client must not send: frames without a mask, reserved bits and opcodes, lengths that
// are written longer than they need, control frames that are long or in pieces.
std::optional<FrameHead> read_frame_head(std::string_view bytes);

// Appends a part of a payload without its mask. `offset`: where in the payload the part begins.
void append_unmasked(std::string& target, std::string_view part, const FrameMask& mask,
                     std::uint64_t offset);

// Returns a whole message in one frame, as servers send it: without a mask.
std::string frame_bytes(Opcode opcode, std::string_view payload);

// Returns the payload of a close. A reason that is too long for it is cut.
std::string close_payload(std::uint16_t code, std::string_view reason);

struct CloseReason {
    std::uint16_t code = close_code::none;
    std::string text;
};

// Reads the payload of a close. Throws WebSocketError.
CloseReason read_close(std::string_view payload);

}  // namespace weir::http
