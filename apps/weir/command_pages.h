#pragma once

#include <filesystem>
#include <string>

namespace CLI {
class App;
}

namespace weir::app {

// What a packaging needs to know about the commands, from the same source as their --help.

// The manual page of a program or of one of its commands, for man(1). `version` is that of the
// program, as "weir 1.0".
std::string manual_page(const CLI::App& command, const std::string& version);

// The completion of a program's commands, options and, after `weir describe`, modules, for bash.
std::string bash_completion(const CLI::App& program);

// Writes the manual pages of the program and its commands into a folder, as <name>.1. Throws
// std::runtime_error if that fails.
void write_manual_pages(const CLI::App& program, const std::string& version,
                        const std::filesystem::path& folder);

}  // namespace weir::app
