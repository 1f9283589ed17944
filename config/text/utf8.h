#pragma once

#include <cstddef>
#include <string_view>

namespace weir::config {

/// Bytes of the character at the beginning of `text`; 0 when there is none, or when the bytes are
/// not UTF-8 as Unicode defines it (no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view text);

/// How many bytes at the beginning of `text` are UTF-8; text.size() if all are.
std::size_t utf8_prefix(std::string_view text);

/// Characters (code points) of a text that is UTF-8.
std::size_t utf8_count(std::string_view text);

/// Whether one character would not be seen, or would act on a terminal instead of being shown: the
/// control characters of ASCII and Latin-1, characters without width, and the marks that turn the
/// direction of writing.
bool is_control(std::string_view character);

}  // namespace weir::config
