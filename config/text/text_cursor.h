#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "config/text/position.h"

namespace weir::config {

/// Converts ascending offsets in a text into positions. Counts each character once and needs no
/// table of lines. Requires that the text is UTF-8. Not thread-safe.
class TextCursor {
public:
    TextCursor(std::string_view text, std::shared_ptr<const Source> source)
        : text_(text), position_{std::move(source), 1, 1} {}

    /// Returns the position of the byte at `offset`. Requires that `offset` is not below that of
    /// the previous call.
    const Position& advance_to(std::size_t offset);

private:
    std::string_view text_;
    std::size_t offset_ = 0;
    Position position_;
};

/// Returns the offset of the first byte at or after `offset` that is neither white space nor in a
/// comment, or text.size(). A comment that is not closed is not skipped.
std::size_t after_blanks(std::string_view text, std::size_t offset);

/// Returns the offset behind the JSON number that begins at `offset`, or `offset` if none does.
std::size_t after_number(std::string_view text, std::size_t offset);

}  // namespace weir::config
