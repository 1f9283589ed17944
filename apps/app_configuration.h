#pragma once

#include <string>
#include <vector>

#include "config/configuration.h"
#include "config/problems.h"

namespace weir::app {

// What an app is made from, as the command line names it.
struct AppFiles {
    std::vector<std::string> files;  // JSON files; a later one wins
    std::vector<std::string> sets;   // "path=value", over all files
};

// Reads an app's configuration. Below all files stands where plugins are: beside the program, as it
// is built or installed.
config::Configuration load_configuration(const AppFiles& app, config::Problems& problems);

// The folder with the plugins that belong to this program.
std::string own_plugin_folder();

}  // namespace weir::app
