#include "config/text/utf8.h"

#include <algorithm>

namespace weir::config {

std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t index) {
        return index < text.size() ? static_cast<unsigned char>(text[index]) : 0U;
    };
    const auto follows = [&](std::size_t index, unsigned low = 0x80, unsigned high = 0xBF) {
        return byte(index) >= low && byte(index) <= high;
    };
    if (text.empty()) return 0;
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
        const unsigned high = first == 0xED ? 0x9F : 0xBF;
        return follows(1, low, high) && follows(2) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const unsigned low = first == 0xF0 ? 0x90 : 0x80;
        const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
        return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
    }
    return 0;
}

std::size_t utf8_prefix(std::string_view text) {
    std::size_t offset = 0;
    for (;;) {
        while (offset != text.size() && static_cast<unsigned char>(text[offset]) < 0x80) {
            ++offset;
        }
        const std::size_t length = utf8_length(text.substr(offset));
        if (length == 0) {
            return offset;
        }
        offset += length;
    }
}

std::size_t utf8_count(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xC0) != 0x80; }));
}

bool is_control(std::string_view character) {
    if (character.size() == 1) {
        const auto byte = static_cast<unsigned char>(character[0]);
        return byte < 0x20 || byte == 0x7F;
    }
    if (character.size() == 2) return character >= "\xC2\x80" && character <= "\xC2\x9F";
    return (character >= "\xE2\x80\x8B" && character <= "\xE2\x80\x8F") ||  // no width, LRM, RLM
           (character >= "\xE2\x80\xAA" && character <= "\xE2\x80\xAE") ||  // embeddings, overrides
           (character >= "\xE2\x81\xA6" && character <= "\xE2\x81\xA9") ||  // isolates
           character == "\xEF\xBB\xBF";                                     // byte order mark
}

}  // namespace weir::config
