#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "config/text/position.h"

namespace weir::config {

/// Turns offsets in a text, asked for from front to back, into positions: it counts each character
/// once, and needs no table of lines. The text must be UTF-8.
class TextCursor {
public:
    TextCursor(std::string_view text, std::shared_ptr<const Source> source)
        : text_(text), position_{std::move(source), 1, 1} {}

    /// The position of the byte at `offset`, which must not lie before the one asked for last.
    const Position& advance_to(std::size_t offset);

private:
    std::string_view text_;
    std::size_t offset_ = 0;
    Position position_;
};

/// The offset of the first byte at or after `offset` that is neither white space nor in a comment;
/// text.size() if there is none. A comment that is not closed counts as no comment.
std::size_t after_blanks(std::string_view text, std::size_t offset);

/// The offset behind the JSON number that begins at `offset`; `offset` if none does.
std::size_t after_number(std::string_view text, std::size_t offset);

}  // namespace weir::config
