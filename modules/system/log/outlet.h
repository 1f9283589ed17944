#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "core/base/log.h"
#include "modules/system/log/settings.h"

namespace spdlog::sinks {
class sink;
}

namespace weir {

// The text of a message as spdlog's queue carries it: module, routine and text of the record;
// spdlog keeps level and time. Copies everything, so that no message in the queue refers to a
// plugin.
std::string log_payload(const LogRecord& record);

// Opens what the lines of such messages are written to, as `settings` say: a file at its end, or
// standard error, with colours if it is a terminal. Throws std::runtime_error if that fails. The
// sink's log() throws one if a line cannot be written. For one thread.
//
// Opening never waits. A file that is a pipe (FIFO) keeps what is written until a process reads it,
// and when it is full a line waits for at most `pipe_patience`.
std::shared_ptr<spdlog::sinks::sink> open_log_outlet(const LogSettings& settings);

inline constexpr std::chrono::milliseconds pipe_patience{1000};

// Returns why a log cannot be written to the file ("cannot be opened: Is a directory"), "" if it
// can. Neither makes nor changes a file.
std::string why_no_log_file(const std::string& file);

}  // namespace weir
