#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

// The plugins of the modules that have another name than their plugin, by the names of the modules:
// module.<name>.plugin.
using PluginsOfModules = std::map<std::string, std::string, std::less<>>;

// Finds modules by name: those linked into the program first, then plugins in the folders of
// `server.plugin_path`. Blocks while it opens a plugin.
class ModuleFinder {
public:
    ModuleFinder(const ServerSettings& settings, const Registry& registry,
                 PluginsOfModules plugins = {});

    // Opens the plugin of the module. Throws PluginError if there is none of that name, naming the
    // nearest, or if it cannot be opened.
    FoundModule open(const std::string& name) const;
    // Lets open() return these, which are in memory already, as long as their files stay the same.
    void lend(std::vector<FoundModule> opened) { lent_ = std::move(opened); }
    // Returns whether the module is made of a library of those.
    bool has_lent(const FoundModule& module) const noexcept;

    // The plugin of the module.
    const std::string& plugin_of(const std::string& name) const;
    void set_plugins_of_modules(PluginsOfModules plugins) { plugins_ = std::move(plugins); }

    // The file of the module's plugin; "" if there is none.
    std::string file_of(const std::string& name) const;

    // Names of all plugins that could be opened, sorted.
    std::vector<std::string> names() const;

    // The name of the module for a module or an interface.
    std::string resolve(const Dependency& dependency) const;
    std::string resolve(std::string_view name) const { return resolve({std::string(name), {}}); }
    // Takes note of the interfaces for which the class names a default.
    void learn_defaults(const ModuleClass& type);

private:
    std::string no_file_of(const std::string& plugin) const;
    std::string find(const std::string& plugin,
                     const std::function<bool(const std::filesystem::path&)>& is_it) const;

    std::vector<std::string> plugin_path_;
    PluginsOfModules plugins_;
    std::map<std::string, std::string, std::less<>> proxies_;
    std::map<std::string, std::string, std::less<>> defaults_;  // of interfaces
    const Registry registry_;
    std::vector<FoundModule> lent_;
};

}  // namespace weir
