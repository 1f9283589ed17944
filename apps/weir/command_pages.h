#pragma once

#include <filesystem>
#include <string>

namespace CLI {
class App;
}

namespace weir::app {

// Manual pages and completion, which packages of weir install: made from the same descriptions as
// --help.

// Returns the manual page of a program or of one of its commands, for man(1). `version` is that of
// the program, as "weir 1.0".
std::string manual_page(const CLI::App& command, const std::string& version);

// Returns a script that completes a program's commands, options and, after `weir describe`, modules
// in bash.
std::string bash_completion(const CLI::App& program);

// Writes the manual pages of the program and its commands into a folder, which is made if needed,
// as <name>.1. Throws OutputError.
void write_manual_pages(const CLI::App& program, const std::string& version,
                        const std::filesystem::path& folder);

}  // namespace weir::app
