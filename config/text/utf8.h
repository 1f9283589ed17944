#pragma once

#include <cstddef>
#include <string_view>

namespace weir::config {

/// Returns the number of bytes of the character at the beginning of `text`. Returns 0 if `text` is
/// empty or does not begin with UTF-8 as Unicode defines it (no overlong forms, no surrogates,
/// nothing above U+10FFFF).
std::size_t utf8_length(std::string_view text);

/// Returns the number of bytes at the beginning of `text` that are UTF-8; text.size() if all are.
std::size_t utf8_prefix(std::string_view text);

/// Returns the number of characters (code points) of a UTF-8 text.
std::size_t utf8_count(std::string_view text);

/// Returns whether a character would be invisible, or would control a terminal instead of being
/// shown: the control characters of ASCII and Latin-1, characters without width, and marks that
/// change the direction of writing.
bool is_control(std::string_view character);

}  // namespace weir::config
