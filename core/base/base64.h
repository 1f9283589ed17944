#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

// Whether '=' fills the last group of four digits up.
enum class Base64Padding { with, without };

// Returns the bytes in Base64 (RFC 4648) on one line.
inline std::string to_base64(std::string_view bytes, Base64Padding padding = Base64Padding::with) {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    std::uint32_t bits = 0;
    unsigned count = 0;  // bits that no digit says yet
    for (const char byte : bytes) {
        bits = bits << 8U | static_cast<unsigned char>(byte);
        for (count += 8; count >= 6;) {
            count -= 6;
            text += digits[bits >> count & 63U];
        }
    }
    if (count != 0) {
        text += digits[bits << (6 - count) & 63U];
    }
    while (padding == Base64Padding::with && text.size() % 4 != 0) {
        text += '=';
    }
    return text;
}

// Returns the bytes that such a text says; nothing for any other text, as with blanks, line ends,
// or the other padding.
inline std::optional<std::string> from_base64(std::string_view text,
                                              Base64Padding padding = Base64Padding::with) {
    const auto digit_of = [](char character) -> int {
        if (character >= 'A' && character <= 'Z') return character - 'A';
        if (character >= 'a' && character <= 'z') return character - 'a' + 26;
        if (character >= '0' && character <= '9') return character - '0' + 52;
        return character == '+' ? 62 : character == '/' ? 63 : -1;
    };
    if (padding == Base64Padding::with) {
        if (text.size() % 4 != 0) {
            return std::nullopt;
        }
        text.remove_suffix(text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0);
    }
    if (text.size() % 4 == 1) {
        return std::nullopt;
    }
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t bits = 0;
    unsigned count = 0;  // bits that make no byte yet
    for (const char character : text) {
        const int digit = digit_of(character);
        if (digit < 0) {
            return std::nullopt;
        }
        bits = bits << 6U | static_cast<unsigned>(digit);
        count += 6;
        if (count >= 8) {
            count -= 8;
            bytes += static_cast<char>(bits >> count & 255U);
        }
    }
    return bytes;
}

}  // namespace weir
