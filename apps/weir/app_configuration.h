#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/document/problems.h"
#include "config/settings/configuration.h"

namespace weir::app {

// The sources of an app's configuration, as the command line names them.
struct AppFiles {
    std::vector<std::string> files;  // JSON files; a later one wins
    std::vector<std::string> sets;   // "path=value", over all files
    std::vector<std::string>
        plugins;  // folders that are searched for plugins before the program's own
};

// The name of the source of what the program itself sets, below all files.
inline constexpr const char* built_in_source = "(built in)";

// Reads an app's configuration and reports its mistakes. The default of server.plugin_path is the
// folder beside the program, as it is built or installed. Folders that the command line names take
// precedence over the files.
config::Configuration load_configuration(const AppFiles& app, config::Problems& problems);

// Returns the folder that this program is in; empty if the system does not tell.
std::filesystem::path own_program_folder();

// Returns the folder with the plugins that belong to this program.
std::string own_plugin_folder();

// Returns the folders to search for plugins, first to last: these, then the program's own.
std::vector<std::string> plugin_path(std::vector<std::string> folders);

}  // namespace weir::app
