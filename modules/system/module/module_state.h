#pragma once

#include <string_view>

namespace weir {

// The states of a module:
//
//     not_loaded -> loading -> loaded -> succeeded -> unloading -> unloaded
//                      |         |                    ^       |
//                      +---------+-----> failed ------+       +-> succeeded: unloading was refused
//
// `loaded`: its load() has ended and it may be called; `succeeded`: it works, and those that depend
// on it may load.
enum class ModuleState { not_loaded, loading, loaded, succeeded, failed, unloading, unloaded };

// "not loaded", "loading", ...
std::string_view to_string(ModuleState state) noexcept;

// Whether a module may go from one state to another.
bool may_change(ModuleState from, ModuleState to) noexcept;

}  // namespace weir
