#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weir::config {

/// Characters of someone else's text that a message shows at most.
inline constexpr std::size_t shown_characters = 60;

/// `text` without quotes, made safe to print: control characters and bytes that are not UTF-8
/// appear as escapes, and what exceeds `limit` characters is left out and replaced by "...".
std::string printable(std::string_view text, std::size_t limit = shown_characters);

/// printable() between double quotes, with `"` and `\` escaped.
std::string quoted(std::string_view text, std::size_t limit = shown_characters);

}  // namespace weir::config
