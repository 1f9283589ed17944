#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weir::config {

/// The most characters of a user's text that a message shows.
inline constexpr std::size_t shown_characters = 60;

/// Returns `text` safe to print, without quotes. Control characters and bytes that are not UTF-8
/// become escapes. Characters beyond `limit` are replaced by "...".
std::string printable(std::string_view text, std::size_t limit = shown_characters);

/// Returns printable() text between double quotes, with `"` and `\` escaped.
std::string in_quotes(std::string_view text, std::size_t limit = shown_characters);

}  // namespace weir::config
