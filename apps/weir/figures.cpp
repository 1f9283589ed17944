#include "apps/weir/figures.h"

#include <cstdio>

#include "config/text/quoted.h"
#include "modules/system/call/json.h"

namespace weir::app {

namespace {

// Three digits that count.
std::string digits(double number) {
    char text[32];
    std::snprintf(text, sizeof text, number >= 999.5 ? "%.0f" : "%.3g", number);
    return text;
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

}  // namespace weir::app
