#include "modules/system/server/module_finder.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "config/text/nearest_name.h"

namespace weir {

namespace {

constexpr std::string_view suffix = ".so";

}  // namespace

ModuleFinder::ModuleFinder(const ServerSettings& settings, const Registry& registry,
                           PluginsOfModules plugins)
    : plugin_path_(settings.plugin_path),
      plugins_(std::move(plugins)),
      proxies_(settings.proxies.begin(), settings.proxies.end()),
      registry_(registry) {}

FoundModule ModuleFinder::open(const std::string& name) const {
    const std::string& plugin = plugin_of(name);
    if (const ModuleClass* linked_in = registry_.find(plugin)) {
        return {linked_in, nullptr};
    }
    std::string file = file_of(name);
    if (file.empty()) {
        file = no_file_of(plugin);  // says what it is when it is opened
    }
    if (file.empty()) {
        const char* const kind = plugins_.contains(name) ? "plugin" : "module";
        throw PluginError(config::unknown_name(kind, plugin, names()));
    }
    for (const FoundModule& lent : lent_) {
        if (lent.type->name == plugin && lent.library->path() == file &&
            lent.library->stamp() == file_stamp(file)) {
            return lent;
        }
    }
    auto library = std::make_shared<PluginLibrary>(file, plugin);
    return {&library->module_class(), library};
}

bool ModuleFinder::has_lent(const FoundModule& module) const noexcept {
    return std::ranges::any_of(
        lent_, [&module](const FoundModule& lent) { return lent.library == module.library; });
}

const std::string& ModuleFinder::plugin_of(const std::string& name) const {
    const auto found = plugins_.find(name);
    return found == plugins_.end() ? name : found->second;
}

std::string ModuleFinder::file_of(const std::string& name) const {
    return find(plugin_of(name), [](const std::filesystem::path& file) {
        std::error_code error;
        return std::filesystem::is_regular_file(file, error);
    });
}

// Something of the plugin's name that is no file: a folder, a link to nothing.
std::string ModuleFinder::no_file_of(const std::string& plugin) const {
    return find(plugin, [](const std::filesystem::path& file) {
        std::error_code error;
        return std::filesystem::exists(std::filesystem::symlink_status(file, error));
    });
}

std::string ModuleFinder::find(
    const std::string& plugin,
    const std::function<bool(const std::filesystem::path&)>& is_it) const {
    // A zero would end the name of the file earlier.
    if (plugin.empty() || plugin.find('/') != std::string::npos ||
        plugin.find('\0') != std::string::npos) {
        return {};
    }
    for (const std::string& folder : plugin_path_) {
        const std::filesystem::path file =
            std::filesystem::path(folder) / (plugin + std::string(suffix));
        if (is_it(file)) {
            return file.string();
        }
    }
    return {};
}

std::vector<std::string> ModuleFinder::names() const {
    std::set<std::string> names;
    for (const ModuleClass* linked_in : registry_.classes()) {
        names.insert(linked_in->name);
    }
    for (const std::string& folder : plugin_path_) {
        std::error_code error;
        for (const auto& file : std::filesystem::directory_iterator(folder, error)) {
            if (file.path().extension() == suffix) {
                names.insert(file.path().stem().string());
            }
        }
    }
    return {names.begin(), names.end()};
}

std::string ModuleFinder::resolve(const Dependency& dependency) const {
    if (const auto chosen = proxies_.find(dependency.name); chosen != proxies_.end()) {
        return chosen->second;
    }
    if (!dependency.default_implementation.empty()) {
        return dependency.default_implementation;
    }
    if (const auto chosen = defaults_.find(dependency.name); chosen != defaults_.end()) {
        return chosen->second;
    }
    return dependency.name;
}

void ModuleFinder::learn_defaults(const ModuleClass& type) {
    for (const Dependency& dependency : type.dependencies) {
        if (!dependency.default_implementation.empty()) {
            defaults_.emplace(dependency.name, dependency.default_implementation);
        }
    }
}

}  // namespace weir
