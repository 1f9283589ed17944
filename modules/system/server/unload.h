#pragma once

#include <string>

#include "core/run/task.h"
#include "modules/system/server/loader_parts.h"
#include "modules/system/server/old_versions.h"
#include "modules/system/server/release.h"

namespace weir {

// Unloads modules, each in a routine of the loader: a caller that is closed does not stop that.
class Unload {
public:
    Unload(LoaderParts& parts, Release& release, OldVersions& old_versions) noexcept
        : parts_(parts), release_(release), old_versions_(old_versions) {}

    // Unloads the module and before it those that depend on it. Returns when it is unloaded, at
    // once if it is not loaded. Throws as Loader::unload.
    Task<> unload(std::string name, std::string reason, bool force);
    // The same, but returns what unload() throws as a LoadException, or "".
    Task<std::string> try_unload(std::string name, std::string reason, bool force);

    // Throws UnloadRefused if something holds the module, or a module that depends on it, in use.
    void refuse_if_in_use(const ModuleEntry& entry);

    // Begins to unload services that no module depends on any more.
    void unload_unused_services();

    // Gives a module that is loaded the time to prepare for its end. Throws UnloadRefused if it
    // takes too long or has no memory, unless it is forced or the module has committed to it.
    Task<> prepare(ModuleEntry& entry, bool force);

private:
    Task<> run(ModuleEntry& entry, std::string reason, bool force);
    Task<> end_work(ModuleEntry& entry, bool force);
    Task<> unload_users(ModuleEntry& entry, bool force);
    Task<> end_calls(ModuleEntry& entry);

    LoaderParts& parts_;
    Release& release_;
    OldVersions& old_versions_;
};

}  // namespace weir
