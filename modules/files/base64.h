#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::files {

// Returns the bytes in Base64, with padding, on one line.
std::string to_base64(std::string_view bytes);
// Returns the bytes that such a text says; nothing if it is none.
std::optional<std::string> from_base64(const std::string& text);

}  // namespace weir::files
