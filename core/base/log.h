#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace weir {

class Routine;

enum class LogLevel { debug, info, warning, error };

std::string_view to_string(LogLevel level) noexcept;

/// One message. Its pointers and views are valid only during the call of the sink.
struct LogRecord {
    LogLevel level = LogLevel::info;
    std::string_view text = {};    ///< without a line end
    std::string_view source = {};  ///< the part of the program that logs; "" if unknown
    /// The running routine, or the routine that the message is about; null if none.
    const Routine* routine = nullptr;
};

/// Receives messages, on the thread that logs. Must not throw.
using LogSink = std::function<void(const LogRecord&)>;

/// Returns a sink that writes messages of level `least` and above to standard error, one line each.
LogSink log_to_stderr(LogLevel least = LogLevel::warning);

/// Returns "<where> with an exception: <what>" of the exception that is being handled. Requires
/// that there is one.
std::string text_with_exception(std::string_view where);

}  // namespace weir
