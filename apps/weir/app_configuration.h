#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/document/problems.h"
#include "config/settings/configuration.h"

namespace weir::app {

// What an app is made from, as the command line names it.
struct AppFiles {
    std::vector<std::string> files;    // JSON files; a later one wins
    std::vector<std::string> sets;     // "path=value", over all files
    std::vector<std::string> plugins;  // folders to look for plugins in before the program's own
};

// Reads an app's configuration. Below all files stands where plugins are: beside the program, as it
// is built or installed. Folders that the command line names win over the files.
config::Configuration load_configuration(const AppFiles& app, config::Problems& problems);

// The folder that this program is in; empty if that cannot be known.
std::filesystem::path own_program_folder();

// The folder with the plugins that belong to this program.
std::string own_plugin_folder();

// Where to look for plugins, first to last: in these folders, then in the program's own.
std::vector<std::string> plugin_path(std::vector<std::string> folders);

}  // namespace weir::app
