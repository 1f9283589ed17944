#pragma once

#include <functional>
#include <string_view>

namespace weir {

class Routine;

enum class LogLevel { debug, info, warning, error };

std::string_view to_string(LogLevel level) noexcept;

// One message. What it refers to is there only while a sink is called.
struct LogRecord {
    LogLevel level = LogLevel::info;
    std::string_view text = {};        // without a line end
    std::string_view source = {};      // which part of the program says so; "": not known
    const Routine* routine = nullptr;  // that was running, or is spoken of; null: none
};

// Takes messages, on the thread that logs; must not throw.
using LogSink = std::function<void(const LogRecord&)>;

// Writes messages from `least` on to standard error, one line each.
LogSink log_to_stderr(LogLevel least = LogLevel::warning);

}  // namespace weir
