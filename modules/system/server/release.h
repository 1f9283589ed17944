#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/run/task.h"
#include "modules/system/server/loader_parts.h"

namespace weir {

// Returns what the module says holds it in use; that it cannot say so holds it, too.
std::vector<std::string> in_use_of(const Module& module);

// Returns what holds the version in use, or needs its code, or its module, one line each.
// Code that other modules are made of, too, is theirs.
std::vector<std::string> living_of(const LoaderParts& parts, const ModuleVersion& version);

// The end of a version of a module: what belongs to it ends, and its library leaves memory.
class Release {
public:
    explicit Release(LoaderParts& parts) noexcept : parts_(parts) {}

    // Ends all that belongs to the version, and destroys its module.
    Task<> destroy(ModuleVersion& version);

    // Destroys the version, waits until nothing needs its library any more, and closes that, unless
    // other modules are made of it.
    // Returns why the library is still in memory, or "". If something needs it when the time is
    // over, throws UnloadRefused; with `force` that is logged, and the library stays in memory.
    Task<std::string> let_go(ModuleVersion& version, bool force);

private:
    Task<> drain(ModuleVersion& version, bool force);
    std::string close_library(std::shared_ptr<PluginLibrary> library);

    LoaderParts& parts_;
};

}  // namespace weir
