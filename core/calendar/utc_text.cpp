#include "core/calendar/utc_text.h"

#include <array>
#include <chrono>
#include <ctime>

namespace weir {

namespace {

constexpr const char* utc_format = "%Y-%m-%dT%H:%M:%SZ";

}  // namespace

std::string utc_text(WallTime time) {
    const std::time_t seconds =
        std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 32> text{};
    return {text.data(), std::strftime(text.data(), text.size(), utc_format, &parts)};
}

std::optional<WallTime> time_from_utc_text(const std::string& text) {
    std::tm parts{};
    const char* const end = ::strptime(text.c_str(), utc_format, &parts);
    if (end == nullptr || *end != '\0') {
        return std::nullopt;
    }
    return WallTime(std::chrono::seconds(::timegm(&parts)));
}

}  // namespace weir
