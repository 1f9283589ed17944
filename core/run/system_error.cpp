#include "core/run/system_error.h"

#include <array>
#include <cctype>
#include <cstring>

#include <uv.h>

namespace weir {

SystemError::SystemError(std::string_view operation, int code, std::string_view detail)
    : std::runtime_error(std::string(operation) + ": " +
                         (detail.empty() ? reason(code) : std::string(detail))),
      code_(code) {}

std::string SystemError::reason(int code) {
    // Of errors that libuv does not know, such as EDQUOT, it says their number only, in memory that
    // it never frees unless it is given some.
    std::array<char, 128> text{};
    std::array<char, 64> name{};
    uv_strerror_r(code, text.data(), text.size());
    uv_err_name_r(code, name.data(), name.size());
    const char* const known =
        std::string_view(name.data()).starts_with("Unknown") ? ::strerrorname_np(-code) : nullptr;
    if (known == nullptr) {
        return std::string(text.data()) + " (" + name.data() + ')';
    }
    std::string words = ::strerrordesc_np(-code);
    words[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(words[0])));
    return words + " (" + known + ')';
}

}  // namespace weir
