#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/run/task.h"
#include "modules/system/server/loader_parts.h"
#include "modules/system/server/release.h"
#include "modules/system/server/unload.h"

namespace weir {

// Loads modules, each in a routine of the loader: a caller that is closed does not stop that.
class Load {
public:
    Load(LoaderParts& parts, Release& release, Unload& unload) noexcept
        : parts_(parts), release_(release), unload_(unload) {}

    // Loads the module and before it those that it depends on. Returns when it has succeeded, at
    // once if it had before. Throws as Loader::load.
    Task<> load(std::string name, std::string reason);
    // The same, but returns what load() throws as a LoadException, or "".
    Task<std::string> try_load(std::string name, std::string reason);

    // Makes the module of a version, with its settings. Throws LoadException if the settings are
    // wrong, and what the constructor throws.
    void make_module(ModuleVersion& version);
    // Makes the queues that the module declares, and those that the configuration has for its
    // events, or of its kinds.
    void add_queues(Module& module);
    // Returns the names of the modules that the class depends on, without optional ones, as the
    // configuration chooses them.
    std::vector<std::string> resolved_dependencies(const ModuleClass& type);
    // Returns the settings of a module, null if it has none. Throws LoadException if they are
    // wrong.
    std::shared_ptr<void> read_settings(const ModuleClass& type, const std::string& name) const;
    // Throws LoadException if a module that the version depends on has an API of another version
    // than it needs. `found` returns what a module is made of; null if it is not there.
    void require_versions(const ModuleVersion& version,
                          const std::function<const ModuleClass*(const std::string&)>& found) const;

private:
    Task<> run(ModuleEntry& entry, std::string reason);
    Task<> bring_up(ModuleEntry& entry, std::string reason);
    FoundModule open(const std::string& name);
    std::vector<std::string> loaded_first(const ModuleEntry& entry) const;
    Task<> load_dependencies(ModuleEntry& entry);

    LoaderParts& parts_;
    Release& release_;
    Unload& unload_;
};

}  // namespace weir
