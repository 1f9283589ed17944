#include "modules/system/server/load_error.h"

#include <utility>

#include "config/text/quoted.h"

namespace weir {

namespace {

// Line ends stay: a text may list several mistakes.
std::string printable_lines(std::string_view text) {
    std::string result;
    for (;;) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        result += config::printable(line, line.size());
        if (end == std::string_view::npos) {
            return result;
        }
        result += '\n';
        text.remove_prefix(end + 1);
    }
}

}  // namespace

std::string joined(const std::vector<std::string>& texts, std::string_view separator) {
    std::string result;
    for (const std::string& text : texts) {
        if (!text.empty()) {
            result += (result.empty() ? "" : std::string(separator)) + text;
        }
    }
    return result;
}

// The destructors are here, so that the types belong to this library and not to a plugin that may
// leave.

PluginError::PluginError(const std::string& what) : std::runtime_error(printable_lines(what)) {}

PluginError::~PluginError() = default;

LoadException::LoadException(const std::string& what) : std::runtime_error(printable_lines(what)) {}

LoadException::~LoadException() = default;

UnloadRefused::UnloadRefused(const std::string& module, std::vector<std::string> living)
    : LoadException("the module '" + module +
                    "' is not unloaded, there still is: " + joined(living)),
      living_(std::move(living)) {}

UnloadRefused::~UnloadRefused() = default;

}  // namespace weir
