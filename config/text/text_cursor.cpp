#include "config/text/text_cursor.h"

#include <algorithm>
#include <cassert>

namespace weir::config {

const Position& TextCursor::advance_to(std::size_t offset) {
    assert(offset >= offset_);
    for (; offset_ < offset && offset_ < text_.size(); ++offset_) {
        const char byte = text_[offset_];
        if (byte == '\n') {
            ++position_.line;
            position_.column = 1;
        } else if ((byte & 0xC0) != 0x80) {  // a character's first byte
            ++position_.column;
        }
    }
    return position_;
}

std::size_t after_blanks(std::string_view text, std::size_t offset) {
    while (offset < text.size()) {
        offset = std::min(text.find_first_not_of(" \t\r\n", offset), text.size());
        const std::string_view next = text.substr(offset, 2);
        if (next == "//") {
            offset = std::min(text.find_first_of("\r\n", offset), text.size());
        } else if (next == "/*") {
            const std::size_t end = text.find("*/", offset + 2);
            if (end == std::string_view::npos) return offset;
            offset = end + 2;
        } else {
            break;
        }
    }
    return offset;
}

std::size_t after_number(std::string_view text, std::size_t offset) {
    const auto is_at = [&](std::string_view characters) {
        return offset < text.size() && characters.find(text[offset]) != characters.npos;
    };
    const auto digits = [&] {
        offset = std::min(text.find_first_not_of("0123456789", offset), text.size());
    };
    if (is_at("-")) ++offset;
    if (is_at("0")) {
        ++offset;
    } else {
        digits();
    }
    if (is_at(".")) {
        ++offset;
        digits();
    }
    if (is_at("eE")) {
        ++offset;
        if (is_at("+-")) ++offset;
        digits();
    }
    return offset;
}

}  // namespace weir::config
