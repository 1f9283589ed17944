#pragma once

#include <filesystem>
#include <string>

namespace weir::app {

// Makes the folder <name> in `parent`, with a module or, if `kind` is "app", a module and an app
// file, from the templates. In these stands `sample` for the name, and `Sample` for that of its
// class. Prints what to do next, or what is wrong; returns what to exit with. Nothing is left of
// what failed.
int make_new(const std::string& kind, const std::string& name, const std::filesystem::path& parent,
             const std::filesystem::path& templates);

// The folder of the templates that belong to this program.
std::filesystem::path own_templates();

// Why a module cannot have this name; "" if it can.
std::string wrong_module_name(const std::string& name);

}  // namespace weir::app
