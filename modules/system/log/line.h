#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/base/log.h"
#include "modules/system/log/settings.h"

namespace weir {

// A line of the log, with all that is written of it.
struct LogLine {
    std::chrono::system_clock::time_point time = {};
    LogLevel level = LogLevel::info;
    std::string_view module = {};   // "": none, or unknown
    std::string_view routine = {};  // "": none was running
    std::string_view text = {};
};

// Appends the line, with its end:
//
//     2026-05-01T12:00:00.250Z warning [cafe] cafe.breakfast: no milk
//     {"time":"2026-05-01T12:00:00.250Z","level":"warning","module":"cafe",
//      "routine":"cafe.breakfast","message":"no milk"}                        (in one line)
//
// Times are UTC. No text can look like two lines of the log. In lines for people, its further lines
// are indented, and control characters and invalid UTF-8 are escaped. JSON escapes line ends and
// has U+FFFD for invalid UTF-8; an unknown module or routine is null.
void append_line(std::string& to, const LogLine& line, LogLines format);

// The characters of a line for people that are its level, to colour them.
struct LogLevelPlace {
    std::size_t begin;
    std::size_t end;
};
LogLevelPlace place_of_level(LogLevel level) noexcept;

}  // namespace weir
