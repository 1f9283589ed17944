#include "modules/system/server/instances.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace weir {

namespace {

// Whether the name can be a part of a path and of a right, and be written in commands.
bool may_be_name(std::string_view name) {
    return std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    });
}

config::Path plugin_path_of(const std::string& module) {
    config::Path path("module");
    path.push(module);
    path.push("plugin");
    return path;
}

// Where the configuration says of which plugin the module is made, or else that the module starts.
config::Path place_of(const config::Configuration& configuration, const std::string& module) {
    config::Path path = plugin_path_of(module);
    if (!configuration.value(path)) {
        path.pop();
    }
    return path;
}

}  // namespace

PluginsOfModules plugins_of_modules(const config::Configuration& configuration) {
    PluginsOfModules plugins;
    for (const config::Name& name : configuration.names("module")) {
        if (name.text == "default") {
            continue;
        }
        const std::optional<config::Value> plugin = configuration.value(plugin_path_of(name.text));
        if (plugin && plugin->is_string()) {
            plugins.emplace(name.text, *plugin->get<std::string>());
        }
    }
    return plugins;
}

void check_plugins_of_modules(const config::Configuration& configuration,
                              config::Problems& problems) {
    const config::Path for_all = plugin_path_of("default");
    if (configuration.value(for_all)) {
        configuration.report(for_all, "is for one module, not for all", problems);
    }
    for (const auto& [name, plugin] : plugins_of_modules(configuration)) {
        if (!may_be_name(name)) {
            config::Path path("module");
            path.push(name);
            problems.add(configuration.name_position(path), path,
                         "the name of a module has letters, digits, '_' and '-' only");
        }
    }
}

std::string why_single(const ModuleClass& plugin, const std::string& name,
                       const std::string& other) {
    if (plugin.single.empty() || name == other) {
        return {};
    }
    return "a server can have only one module of the plugin '" + plugin.name + "', and has '" +
           other + "': " + plugin.single;
}

void check_single(const config::Configuration& configuration,
                  const std::map<std::string, FoundModule>& modules, config::Problems& problems) {
    std::map<std::string, std::string> first;
    // One that has the plugin's name keeps it: the others are reported.
    for (const auto& [name, found] : modules) {
        if (found.type->name == name) {
            first[name] = name;
        }
    }
    for (const auto& [name, found] : modules) {
        const std::string& other = first.emplace(found.type->name, name).first->second;
        if (const std::string why = why_single(*found.type, name, other); !why.empty()) {
            configuration.report(place_of(configuration, name), why, problems);
        }
    }
}

FoundModule opened_among(const std::map<std::string, FoundModule>& modules,
                         const std::string& plugin) {
    for (const auto& [name, found] : modules) {
        if (found && found.type->name == plugin) {
            return found;
        }
    }
    return {};
}

}  // namespace weir
