#pragma once

#include <functional>
#include <string_view>

namespace weir {

enum class LogLevel { debug, info, warning, error };

std::string_view to_string(LogLevel level) noexcept;

// Takes one message, without a line end. Called on the thread that logs; must not throw.
using LogSink = std::function<void(LogLevel, std::string_view)>;

// Writes messages from `least` on to standard error, one line each.
LogSink log_to_stderr(LogLevel least = LogLevel::warning);

}  // namespace weir
