#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/settings/settings.h"
#include "core/base/log.h"

namespace weir {

config::EnumNames<LogLevel> names_of(LogLevel);

// How a line of the log is written.
enum class LogLines {
    text,  // for people
    json,  // an object per line, for programs
};

config::EnumNames<LogLines> names_of(LogLines);

// The settings at `server.log`.
struct LogSettings {
    LogLevel level = LogLevel::info;
    LogLines format = LogLines::text;
    std::optional<std::string> file;
    std::optional<config::ByteSize> rotate_at;
    std::uint32_t rotated_files = 5;
    std::uint32_t queue = 2048;

    static config::Settings<LogSettings> describe();
};

}  // namespace weir
