#pragma once

#include <string>
#include <vector>

namespace weir::app {

// Each prints something about the installed modules, and returns the exit code. Modules are looked
// for in the given folders, then in the program's own; of two with one name, the first counts.

// Prints the names of all modules, and the purpose of each.
int list_modules(const std::vector<std::string>& plugins);
// Prints the dependencies, settings, API, events and queues of a module; of "server", the settings
// that hold without any module.
int describe_module(const std::string& name, const std::vector<std::string>& plugins);
// Prints the JSON Schema of an app file with all modules, for editors.
int print_schema(const std::vector<std::string>& plugins);

}  // namespace weir::app
