#pragma once

#include <filesystem>
#include <string>

namespace weir::app {

// Makes the folder <name> in `parent` from the templates: with a module or, if `kind` is "app", a
// module and an app file. In the templates, `sample` stands for the name and `Sample` for the name
// of its class. Prints where to read on, or what is wrong; returns the exit code. A folder that
// could not be completed is removed.
int make_new(const std::string& kind, const std::string& name, const std::filesystem::path& parent,
             const std::filesystem::path& templates);

// Makes the folder <name> in `parent` with <name>.json, a copy of one of the apps that come with
// weir. `apps`: the folder of these. Prints and returns as make_new does.
int make_like(const std::string& app, const std::string& name, const std::filesystem::path& parent,
              const std::filesystem::path& apps);

// Returns the address of the page that an app serves to browsers; "" if it serves none. In the
// file, `${NAME}` is a variable of this process.
std::string address_of_page(const std::filesystem::path& app_file);

// Returns the folder of the apps that belong to this program, each as <name>.json.
std::filesystem::path own_apps();

// Returns the folder of the templates that belong to this program.
std::filesystem::path own_templates();

// Returns the reason why a module cannot have this name; "" if it can.
std::string wrong_module_name(const std::string& name);

}  // namespace weir::app
