#pragma once

#include <memory>
#include <string>

#include "core/base/log.h"
#include "modules/system/log/settings.h"

namespace spdlog::sinks {
class sink;
}

namespace weir {

// What spdlog carries from who logs to who writes: level and time are its own, this is the rest of
// the message, as one text. Copied, so that nothing in a queue refers to a plugin.
std::string log_payload(const LogRecord& record);

// Where lines of such payloads go: standard error, in colours if it is a terminal, or a file,
// which is opened at its end, as `settings` say. Throws std::runtime_error if it cannot be opened.
// So do the sink's log() and flush() if a line cannot be written. For one thread.
std::shared_ptr<spdlog::sinks::sink> open_log_outlet(const LogSettings& settings);

}  // namespace weir
