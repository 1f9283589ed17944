#include "modules/files/base64.h"

#include <algorithm>
#include <cctype>

#include <openssl/evp.h>

namespace weir::files {

std::string to_base64(std::string_view bytes) {
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // the library ends it with a zero
    const int length = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                         reinterpret_cast<const unsigned char*>(bytes.data()),
                                         static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(length));
    return text;
}

// The library itself skips blanks, and counts the padding as zeros.
std::optional<std::string> from_base64(const std::string& text) {
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    const auto is_digit = [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '+' || c == '/';
    };
    if (text.size() % 4 != 0 ||
        !std::all_of(text.begin(), text.end() - static_cast<std::ptrdiff_t>(padding), is_digit)) {
        return std::nullopt;
    }
    std::string bytes(text.size() / 4 * 3, '\0');
    const int length = ::EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                         reinterpret_cast<const unsigned char*>(text.data()),
                                         static_cast<int>(text.size()));
    if (length < 0) {
        return std::nullopt;
    }
    bytes.resize(static_cast<std::size_t>(length) - padding);
    return bytes;
}

}  // namespace weir::files
