#include "apps/weir/figures.h"

#include <algorithm>
#include <cstdio>

#include "config/text/quoted.h"
#include "config/text/utf8.h"
#include "modules/system/call/json.h"

namespace weir::app {

namespace {

// Returns the number with three significant digits, or without a fraction.
std::string digits(double number) {
    char text[32];
    std::snprintf(text, sizeof text, number >= 999.5 ? "%.0f" : "%.3g", number);
    return text;
}

// Returns the code point of a control character, which has at most three bytes.
unsigned code_point(std::string_view character) {
    const auto byte = [&](std::size_t i) {
        return static_cast<unsigned>(static_cast<unsigned char>(character[i]));
    };
    switch (character.size()) {
        case 1:
            return byte(0);
        case 2:
            return (byte(0) & 0x1F) << 6 | (byte(1) & 0x3F);
        default:
            return (byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
    }
}

}  // namespace

std::string duration_text(double seconds) {
    if (seconds < 60) {
        return digits(seconds) + " s";
    }
    const auto whole = static_cast<long long>(seconds);
    const auto two = [](long long large, const char* unit, long long small, const char* smaller) {
        return std::to_string(large) + unit + std::to_string(small) + smaller;
    };
    if (whole < 3600) return two(whole / 60, " min ", whole % 60, " s");
    if (whole < 172800) return two(whole / 3600, " h ", whole % 3600 / 60, " min");
    return two(whole / 86400, " d ", whole % 86400 / 3600, " h");
}

std::string size_text(double bytes) {
    const char* unit = " B";
    for (const char* larger : {" KiB", " MiB", " GiB"}) {
        if (bytes < 1023.5) {
            break;
        }
        bytes /= 1024;
        unit = larger;
    }
    return digits(bytes) + unit;
}

std::string figure(double number) {
    if (number < 9999.5) return digits(number);
    if (number < 999500) return digits(number / 1e3) + "k";
    return digits(number / 1e6) + "M";
}

std::string count_text(std::size_t number, const std::string& what) {
    return std::to_string(number) + ' ' + what + (number == 1 ? "" : "s");
}

std::string shown(const Json& text) {
    constexpr std::size_t limit = 300;
    return config::printable(text.get<std::string>(), limit);
}

std::string printable_json(std::string_view json) {
    std::string result;
    result.reserve(json.size());
    while (!json.empty()) {
        const std::size_t length = config::utf8_length(json);
        const std::string_view character = json.substr(0, std::max<std::size_t>(length, 1));
        json.remove_prefix(character.size());
        if (length == 0) {
            result += "\xEF\xBF\xBD";
        } else if (config::is_control(character) && character != "\n") {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", code_point(character));
            result += escape;
        } else {
            result += character;
        }
    }
    return result;
}

}  // namespace weir::app
