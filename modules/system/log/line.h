#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/base/log.h"
#include "modules/system/log/settings.h"

namespace weir {

// A line of the log, as it is to be written.
struct LogLine {
    std::chrono::system_clock::time_point time = {};
    LogLevel level = LogLevel::info;
    std::string_view module = {};   // "": of none, or it is not known
    std::string_view routine = {};  // "": none ran
    std::string_view text = {};
};

// Appends the line, with its end:
//
//     2026-05-01T12:00:00.250Z warning [cafe] cafe.breakfast: no milk
//     {"time":"2026-05-01T12:00:00.250Z","level":"warning","module":"cafe",
//      "routine":"cafe.breakfast","message":"no milk"}                        (in one line)
//
// Times are UTC. Whatever the text is, nobody takes a part of it for a line of the log: in lines
// for people further lines are indented, and control characters and what is no UTF-8 are escaped;
// JSON escapes line ends, and has U+FFFD for what is no UTF-8. There a module or routine that is
// not known is null.
void append_line(std::string& to, const LogLine& line, LogLines format);

// Where the level stands in lines for people, to be coloured: from and to which character.
struct LogLevelPlace {
    std::size_t begin;
    std::size_t end;
};
LogLevelPlace place_of_level(LogLevel level) noexcept;

}  // namespace weir
