#include "config/text/quoted.h"

#include "config/text/utf8.h"

namespace weir::config {

namespace {

std::string escaped_byte(unsigned char byte) {
    constexpr std::string_view hex_digits = "0123456789abcdef";
    return std::string("\\x") + hex_digits[byte >> 4] + hex_digits[byte & 15];
}

std::string shown(std::string_view text, std::size_t limit, std::string_view to_escape) {
    std::string result;
    for (std::size_t count = 0; !text.empty(); ++count) {
        if (count == limit) return result + "...";
        const std::size_t length = utf8_length(text);
        const std::string_view character = text.substr(0, length == 0 ? 1 : length);
        text.remove_prefix(character.size());
        if (character == "\n") {
            result += "\\n";
        } else if (character == "\t") {
            result += "\\t";
        } else if (length == 0 || is_control(character)) {
            for (const char byte : character) {
                result += escaped_byte(static_cast<unsigned char>(byte));
            }
        } else {
            if (to_escape.find(character) != std::string_view::npos) result += '\\';
            result += character;
        }
    }
    return result;
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
    return shown(text, limit, "");
}

std::string in_quotes(std::string_view text, std::size_t limit) {
    return '"' + shown(text, limit, "\"\\") + '"';
}

}  // namespace weir::config
