#pragma once

#include <string>

namespace weir::app {

// Each prints about the installed modules, in the given folder of plugins, or, where it is empty,
// in the program's own; and returns what to exit with.

// The names of all modules, each with what it is for.
int list_modules(const std::string& plugin_folder);
// What is known of one: its settings, API, events, dependencies. Of "server": its settings.
int describe_module(const std::string& name, const std::string& plugin_folder);
// The JSON Schema of an app file with all modules, for editors.
int print_schema(const std::string& plugin_folder);

}  // namespace weir::app
