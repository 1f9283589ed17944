#include "modules/system/server/load_error.h"

#include <string_view>
#include <utility>

#include "config/text/joined.h"
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

// The destructors are here, so that the types belong to this library and not to a plugin that may
// leave.

PluginError::PluginError(const std::string& what) : std::runtime_error(printable_lines(what)) {}

PluginError::~PluginError() = default;

LoadException::LoadException(const std::string& what) : std::runtime_error(printable_lines(what)) {}

LoadException::~LoadException() = default;

UnloadRefused::UnloadRefused(const std::string& module, std::vector<std::string> living)
    : LoadException("the module '" + module +
                    "' is not unloaded, there still is: " + config::joined(living, "; ")),
      living_(std::move(living)) {}

UnloadRefused::~UnloadRefused() = default;

}  // namespace weir
