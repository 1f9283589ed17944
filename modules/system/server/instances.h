#pragma once

#include "config/document/problems.h"
#include "config/settings/configuration.h"
#include "modules/system/server/module_finder.h"

namespace weir {

// Returns the plugins of the modules for which the configuration names one, at
// module.<name>.plugin: several modules may thus be made of one plugin.
PluginsOfModules plugins_of_modules(const config::Configuration& configuration);

// Reports such modules with a name that cannot be called, and a plugin for all modules.
void check_plugins_of_modules(const config::Configuration& configuration,
                              config::Problems& problems);

// Reports modules of one plugin of which a server can have one only.
void check_single(const config::Configuration& configuration,
                  const std::map<std::string, FoundModule>& modules, config::Problems& problems);

// Returns why a server that has the module `other` can have none of that name made of the same
// plugin, or "" if it can have both.
std::string why_single(const ModuleClass& plugin, const std::string& name,
                       const std::string& other);

// Returns the plugin's class if one of these modules is made of it; else nothing.
FoundModule opened_among(const std::map<std::string, FoundModule>& modules,
                         const std::string& plugin);

}  // namespace weir
