#include "core/base/log.h"

#include <cstdio>
#include <exception>
#include <string>

namespace weir {

std::string_view to_string(LogLevel level) noexcept {
    switch (level) {
        case LogLevel::debug:
            return "debug";
        case LogLevel::info:
            return "info";
        case LogLevel::warning:
            return "warning";
        case LogLevel::error:
            break;
    }
    return "error";
}

std::string text_with_exception(std::string_view where) {
    std::string text(where);
    try {
        throw;
    } catch (const std::exception& exception) {
        text += std::string(" with an exception: ") + exception.what();
    } catch (...) {
        text += " with an exception of an unknown type";
    }
    return text;
}

LogSink log_to_stderr(LogLevel least) {
    return [least](const LogRecord& record) {
        if (record.level < least) {
            return;
        }
        std::string line = "weir: ";
        line += to_string(record.level);
        line += ": ";
        line += record.text;
        line += '\n';
        // A single write keeps concurrent lines whole.
        std::fwrite(line.data(), 1, line.size(), stderr);
    };
}

}  // namespace weir
