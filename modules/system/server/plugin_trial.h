#pragma once

#include <string>

namespace weir {

// Opens a library in a child process, as PluginLibrary opens it: its static objects are made, and
// its entry point describes the module. Returns how that ended if the library would have ended this
// process, as "was ended by SIGSEGV"; "" if the library may be opened here. What an opened library
// does beside its own memory, as to files, it has done then.
//
// Throws PluginError if there can be no child process. Blocks until the child has ended, for
// ten seconds at most.
std::string try_plugin(const std::string& file, const std::string& name);

}  // namespace weir
