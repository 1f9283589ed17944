#include "modules/http/target.h"

#include <algorithm>
#include <array>

#include "config/text/utf8.h"
#include "core/base/ascii.h"
#include "core/net/address.h"
#include "modules/http/http_error.h"

namespace weir::http {

namespace {

int digit(char character) noexcept {
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    const char small = static_cast<char>(character | 0x20);
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

// Printable ASCII without '%' and '+'.
constexpr std::array<bool, 256> is_plain_character = [] {
    std::array<bool, 256> made{};
    for (std::size_t i = ' '; i != 0x7F; ++i) {
        made[i] = i != '%' && i != '+';
    }
    return made;
}();

// Whether the text means itself in a path and in a query.
bool is_plain(std::string_view text) noexcept {
    return std::ranges::all_of(text, [](char character) {
        return is_plain_character[static_cast<unsigned char>(character)];
    });
}

std::string decoded(std::string_view text, bool plus_is_space) {
    if (is_plain(text)) {
        return std::string(text);
    }
    const std::size_t plain = std::min(text.find_first_of(plus_is_space ? "%+" : "%"), text.size());
    std::string result(text.substr(0, plain));
    result.reserve(text.size());
    for (std::size_t i = plain; i != text.size(); ++i) {
        char character = text[i];
        if (character == '+' && plus_is_space) {
            character = ' ';
        } else if (character == '%') {
            const int high = i + 2 < text.size() ? digit(text[i + 1]) : -1;
            const int low = high >= 0 ? digit(text[i + 2]) : -1;
            if (low < 0) {
                throw HttpError(
                    400, "bad_request",
                    "the target contains a '%' that two hexadecimal digits must follow");
            }
            character = static_cast<char>(high * 16 + low);
            i += 2;
        }
        result += character;
    }
    if (config::utf8_prefix(result) != result.size() || result.find('\0') != std::string::npos) {
        throw HttpError(400, "bad_request", "the target is no text in UTF-8");
    }
    return result;
}

// Returns the text with its %XX replaced, until there is none left: %252e is a dot.
std::string fully_decoded(std::string_view text) {
    std::string result;
    for (const char character : text) {
        result += character;
        while (result.size() >= 3 && result[result.size() - 3] == '%') {
            const int high = digit(result[result.size() - 2]);
            const int low = digit(result.back());
            if (high < 0 || low < 0) {
                break;
            }
            result.resize(result.size() - 3);
            result += static_cast<char>(high * 16 + low);
        }
    }
    return result;
}

// Whether this can follow the name of a host: nothing, or a colon and digits.
bool is_port(std::string_view text) noexcept {
    return text.empty() ||
           (text.starts_with(':') && text.find_first_not_of("0123456789", 1) == std::string::npos);
}

}  // namespace

std::string percent_decoded(std::string_view text) {
    return decoded(text, false);
}

void PathSegments::read(std::string_view path) {
    all_.clear();
    decoded_.clear();
    const bool plain = is_plain(path);
    if (!plain) {  // the views stay valid
        decoded_.reserve(static_cast<std::size_t>(std::ranges::count(path, '/')));
    }
    while (path.starts_with('/')) {
        path.remove_prefix(1);
        const std::size_t size = std::min(path.find('/'), path.size());
        const std::string_view part = path.substr(0, size);
        all_.push_back(plain ? part : decoded_.emplace_back(percent_decoded(part)));
        path.remove_prefix(size);
    }
}

bool has_dot_segments(std::string_view path) {
    const std::string plain = fully_decoded(path);
    for (std::string_view rest = plain; !rest.empty();) {
        const std::size_t size = std::min(rest.find_first_of("/\\"), rest.size());
        const std::string_view part = rest.substr(0, size);
        const std::string_view name = part.substr(0, part.find(';'));
        if (name == "." || name == "..") {
            return true;
        }
        rest.remove_prefix(std::min(size + 1, rest.size()));
    }
    return false;
}

bool hides_parts(std::string_view path) {
    const std::string plain = fully_decoded(path);
    return plain.find('\\') != std::string::npos ||
           std::ranges::count(plain, '/') != std::ranges::count(path, '/');
}

bool has_odd_parts(std::string_view path) {
    const std::string plain = fully_decoded(path);
    const auto is_odd = [](char character) {
        const auto byte = static_cast<unsigned char>(character);
        return byte < 0x20 || byte == 0x7F || byte == ';';
    };
    return plain.find("//") != std::string::npos || plain.find(" /") != std::string::npos ||
           plain.ends_with(' ') || std::ranges::any_of(plain, is_odd);
}

Parameters query_parameters(std::string_view query) {
    Parameters parameters;
    while (!query.empty()) {
        const std::size_t size = std::min(query.find('&'), query.size());
        const std::string_view part = query.substr(0, size);
        if (!part.empty()) {
            const std::size_t equals = std::min(part.find('='), part.size());
            parameters.emplace_back(decoded(part.substr(0, equals), true),
                                    decoded(part.substr(std::min(equals + 1, part.size())), true));
        }
        query.remove_prefix(std::min(size + 1, query.size()));
    }
    return parameters;
}

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    constexpr std::string_view plain = "-._~";
    std::string result;
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        const bool is_word = (character >= '0' && character <= '9') ||
                             ((character | 0x20) >= 'a' && (character | 0x20) <= 'z');
        if (is_word || plain.find(character) != std::string_view::npos) {
            result += character;
        } else {
            result += {'%', digits[byte >> 4U], digits[byte & 15U]};
        }
    }
    return result;
}

std::optional<std::string> host_name(std::string_view host) {
    const bool is_bracketed = host.starts_with('[');
    const std::size_t end = is_bracketed ? host.find(']') : std::min(host.find(':'), host.size());
    if (end == std::string_view::npos || !is_port(host.substr(end + (is_bracketed ? 1 : 0)))) {
        return {};
    }
    std::string name(host.substr(0, end));
    if (is_bracketed) {
        name.erase(0, 1);
        return SocketAddress::of_number(name, 0) ? std::optional(name) : std::nullopt;
    }
    if (name.ends_with('.')) {
        name.pop_back();
    }
    return in_lower_case(name);
}

}  // namespace weir::http
