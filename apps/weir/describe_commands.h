#pragma once

#include <string>
#include <vector>

namespace weir::app {

// Each prints about the installed modules, in the given folders of plugins and in the program's
// own, and returns what to exit with. Of two modules of one name, that in the earlier folder
// counts.

// The names of all modules, each with what it is for.
int list_modules(const std::vector<std::string>& plugins);
// What is known of one: its settings, API, events, queues, dependencies. Of "server": its settings.
int describe_module(const std::string& name, const std::vector<std::string>& plugins);
// The JSON Schema of an app file with all modules, for editors.
int print_schema(const std::vector<std::string>& plugins);

}  // namespace weir::app
