#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "config/document/problems.h"
#include "config/settings/configuration.h"
#include "modules/system/server/module_finder.h"
#include "modules/system/server/server_settings.h"

namespace weir {

// What can be known without starting: the modules that a configuration starts, with all they
// depend on.
struct StartupPlan {
    // Opens the modules, each plugin once; reports those that are unknown or cannot be opened,
    // dependency cycles with their chain, and APIs of a version that is too old.
    StartupPlan(const config::Configuration& configuration, const ServerSettings& settings,
                ModuleFinder& finder, config::Problems& problems);

    std::map<std::string, FoundModule> modules;

private:
    std::vector<Dependency> dependencies_of(const std::string& name) const;
    void check_versions(const config::Configuration& configuration, const ModuleFinder& finder,
                        config::Problems& problems) const;
};

// Returns the chain of the cycle that the module is in, or leads to, as "a -> b -> a"; "" if there
// is none. `dependencies` gives those of a module by their names.
std::string find_cycle(
    const std::string& name,
    const std::function<std::vector<std::string>(const std::string&)>& dependencies);

}  // namespace weir
