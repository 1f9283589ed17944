#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings/catalogue.h"
#include "config/settings/configuration.h"
#include "modules/system/module/module_class.h"
#include "modules/system/server/plugin_library.h"
#include "modules/system/server/server_settings.h"

namespace weir {

// A module's class and what keeps it in memory.
struct FoundModule {
    const ModuleClass* type = nullptr;
    std::shared_ptr<PluginLibrary> library;  // shared by all that use the class; null: linked in

    explicit operator bool() const noexcept { return type != nullptr; }
};

// Finds modules by name: those linked into the program first, then plugins in the folders of
// `server.plugin_path`. Blocks while it opens a plugin.
class ModuleFinder {
public:
    ModuleFinder(const ServerSettings& settings, const Registry& registry);

    // Opens the module. Throws PluginError if there is none of that name, naming the nearest, or
    // if it cannot be opened.
    FoundModule open(const std::string& name) const;

    // The file of the plugin; "" if there is none.
    std::string file_of(const std::string& name) const;

    // Names of all modules that could be opened, sorted.
    std::vector<std::string> names() const;

    // The name of the module for a module or an interface.
    std::string resolve(const Dependency& dependency) const;
    std::string resolve(std::string_view name) const { return resolve({std::string(name), {}}); }
    // Takes note of the interfaces for which the class names a default.
    void learn_defaults(const ModuleClass& type);

private:
    std::vector<std::string> plugin_path_;
    std::map<std::string, std::string, std::less<>> proxies_;
    std::map<std::string, std::string, std::less<>> defaults_;  // of interfaces
    const Registry registry_;
};

// What can be known without starting: the modules that a configuration starts, with all they
// depend on. They are open as long as this lives.
class StartupPlan {
public:
    // Opens the modules; reports those that are unknown or cannot be opened, and dependency cycles
    // with their chain.
    StartupPlan(const config::Configuration& configuration, const ServerSettings& settings,
                ModuleFinder& finder, config::Problems& problems);

    const std::map<std::string, FoundModule>& modules() const noexcept { return modules_; }

    // Adds the sections of the server and of the modules.
    void add_to(config::Catalogue& catalogue) const;

private:
    std::map<std::string, FoundModule> modules_;
};

// The chain of the cycle that the module is in, or leads to, as "a -> b -> a"; "" if there is none.
// `dependencies` gives those of a module by their names.
std::string find_cycle(
    const std::string& name,
    const std::function<std::vector<std::string>(const std::string&)>& dependencies);

}  // namespace weir
