#include "modules/system/server/module_finder.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "config/text/nearest_name.h"

namespace weir {

namespace {

constexpr std::string_view suffix = ".so";

// Whether the chain can go on to a module that it has been at; then it ends with that one.
bool close_chain(std::vector<std::string>& chain, std::set<std::string>& done,
                 const std::function<std::vector<std::string>(const std::string&)>& dependencies) {
    const std::string name = chain.back();
    for (const std::string& next : dependencies(name)) {
        const auto seen = std::find(chain.begin(), chain.end(), next);
        const bool closed = seen != chain.end();
        if (closed) {
            chain.erase(chain.begin(), seen);
        }
        if (!closed && done.contains(next)) {
            continue;
        }
        chain.push_back(next);
        if (closed || close_chain(chain, done, dependencies)) {
            return true;
        }
        chain.pop_back();
    }
    done.insert(name);
    return false;
}

}  // namespace

std::string find_cycle(
    const std::string& name,
    const std::function<std::vector<std::string>(const std::string&)>& dependencies) {
    std::vector<std::string> chain{name};
    std::set<std::string> done;
    if (!close_chain(chain, done, dependencies)) {
        return {};
    }
    std::string text;
    for (const std::string& step : chain) {
        text += (text.empty() ? "" : " -> ") + step;
    }
    return text;
}

ModuleFinder::ModuleFinder(const ServerSettings& settings, const Registry& registry)
    : plugin_path_(settings.plugin_path),
      proxies_(settings.proxies.begin(), settings.proxies.end()),
      registry_(registry) {}

FoundModule ModuleFinder::open(const std::string& name) const {
    if (const ModuleClass* linked_in = registry_.find(name)) {
        return {linked_in, nullptr};
    }
    const std::string file = file_of(name);
    if (file.empty()) {
        throw PluginError(config::unknown_name("module", name, names()));
    }
    auto library = std::make_shared<PluginLibrary>(file, name);
    return {&library->module_class(), library};
}

std::string ModuleFinder::file_of(const std::string& name) const {
    if (name.empty() || name.find('/') != std::string::npos) {
        return {};
    }
    for (const std::string& folder : plugin_path_) {
        const std::filesystem::path file = std::filesystem::path(folder) / (name + ".so");
        std::error_code error;
        if (std::filesystem::is_regular_file(file, error)) {
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

// --- StartupPlan

StartupPlan::StartupPlan(const config::Configuration& configuration, const ServerSettings& settings,
                         ModuleFinder& finder, config::Problems& problems) {
    const auto dependencies = [&](const std::string& name) {
        std::vector<std::string> names;
        if (const auto found = modules_.find(name); found != modules_.end() && found->second) {
            for (const Dependency& dependency : found->second.type->dependencies) {
                names.push_back(finder.resolve(dependency));
            }
        }
        return names;
    };
    for (std::size_t i = 0; i != settings.startup.size(); ++i) {
        config::Path place("server.startup");
        place.push(i);
        std::vector<std::pair<std::string, std::string>> to_open{
            {finder.resolve(settings.startup[i]), ""}};
        while (!to_open.empty()) {
            const auto [name, chain] = std::move(to_open.back());
            to_open.pop_back();
            if (modules_.contains(name)) {
                continue;
            }
            FoundModule& found = modules_[name];
            try {
                found = finder.open(name);
                finder.learn_defaults(*found.type);
            } catch (const PluginError& error) {
                configuration.report(place, chain + error.what(), problems);
                continue;
            }
            for (const std::string& next : dependencies(name)) {
                to_open.emplace_back(next, chain + "'" + name + "' depends on '" + next + "': ");
            }
        }
        if (const std::string cycle = find_cycle(finder.resolve(settings.startup[i]), dependencies);
            !cycle.empty()) {
            configuration.report(place, "dependency cycle " + cycle, problems);
        }
    }
    std::erase_if(modules_, [](const auto& module) { return !module.second; });
}

void StartupPlan::add_to(config::Catalogue& catalogue) const {
    for (const auto& [name, found] : modules_) {
        const std::string section = "module." + name;
        if (found.type->settings != nullptr) {
            catalogue.add(section, *found.type->settings);
        }
        catalogue.add<CommonModuleSettings>(section);
    }
}

}  // namespace weir
