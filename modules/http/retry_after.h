#pragma once

#include <charconv>
#include <chrono>
#include <optional>
#include <string>

#include "core/base/clock.h"
#include "modules/http/response.h"

namespace weir::http {

// Returns how long a response asks to wait before the next try, by its header Retry-After, if that
// is in seconds.
inline std::optional<Duration> retry_after(const Headers& headers) {
    const std::string* const value = headers.find("Retry-After");
    unsigned seconds = 0;
    if (value == nullptr) {
        return {};
    }
    const char* const end = value->data() + value->size();
    const auto [stop, error] = std::from_chars(value->data(), end, seconds);
    if (error != std::errc() || stop != end) {
        return {};
    }
    return std::chrono::seconds(seconds);
}

}  // namespace weir::http
