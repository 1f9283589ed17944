#pragma once

#include <string_view>

namespace weir {

/// The codes of the errors (ApiError) that events as data have of their own.
struct EventError {
    static constexpr std::string_view bad_event = "bad_event";          // data that makes no event
    static constexpr std::string_view unknown_event = "unknown_event";  // there is no such type
    // Events of the type must not enter, or leave, the process.
    static constexpr std::string_view not_portable = "not_portable";
};

}  // namespace weir
