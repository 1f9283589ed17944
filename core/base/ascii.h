#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace weir {

// Returns a letter of ASCII in lower case, and any other byte as it is, whatever the locale.
constexpr char ascii_lower(char character) noexcept {
    return character >= 'A' && character <= 'Z' ? static_cast<char>(character | 0x20) : character;
}

// Returns the text with its letters of ASCII in lower case.
inline std::string in_lower_case(std::string_view text) {
    std::string made(text);
    std::ranges::transform(made, made.begin(), ascii_lower);
    return made;
}

}  // namespace weir
