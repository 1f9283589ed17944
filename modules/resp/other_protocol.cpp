#include "modules/resp/other_protocol.h"

#include <algorithm>
#include <cstddef>

namespace weir::resp {

namespace {

// Takes the first word off the line, with the space behind it.
std::string_view take_word(std::string_view& line) noexcept {
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
}

// `capitals`: the letters of the word.
bool is_word(std::string_view word, std::string_view capitals) noexcept {
    return std::ranges::equal(word, capitals, {}, [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
}

// HTTP/1.1
bool is_version(std::string_view word) noexcept {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    return word.size() == 8 && word.starts_with("HTTP/") && is_digit(word[5]) && word[6] == '.' &&
           is_digit(word[7]);
}

// A first line, METHOD target HTTP/1.1, or the field that each browser sends next. POST alone is
// enough, as for Redis.
bool is_http(std::string_view line) noexcept {
    if (is_word(line.substr(0, 5), "HOST:")) {
        return true;
    }
    const std::string_view method = take_word(line);
    if (is_word(method, "POST")) {
        return true;
    }
    const std::string_view target = take_word(line);
    return !method.empty() && !target.empty() && is_version(line);
}

// A record of the handshake, with which each client begins. What it says may hold bytes that a
// stranger chose: those of an earlier session.
bool is_tls(std::string_view line) noexcept {
    return line.starts_with("\x16\x03");
}

}  // namespace

std::string_view other_protocol(std::string_view line) noexcept {
    return is_http(line) ? "HTTP" : is_tls(line) ? "TLS" : "";
}

}  // namespace weir::resp
