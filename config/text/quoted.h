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
/// The same; without these, an unqualified call with such a text would find std::quoted.
inline std::string quoted(const std::string& text, std::size_t limit = shown_characters) {
    return quoted(std::string_view(text), limit);
}
inline std::string quoted(const char* text, std::size_t limit = shown_characters) {
    return quoted(std::string_view(text), limit);
}

}  // namespace weir::config
