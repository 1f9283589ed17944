#include "modules/system/server/startup_plan.h"

#include <algorithm>
#include <set>
#include <utility>

#include "config/text/joined.h"
#include "modules/system/server/instances.h"

namespace weir {

namespace {

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
    return config::joined(chain, " -> ");
}

StartupPlan::StartupPlan(const config::Configuration& configuration, const ServerSettings& settings,
                         ModuleFinder& finder, config::Problems& problems) {
    // Of the optional ones those that the app starts otherwise.
    const auto dependencies = [&](const std::string& name) {
        std::vector<std::string> names;
        for (const Dependency& dependency : dependencies_of(name)) {
            if (std::string needed = finder.resolve(dependency);
                !dependency.optional || modules.contains(needed)) {
                names.push_back(std::move(needed));
            }
        }
        return names;
    };
    for (std::size_t i = 0; i != settings.startup.size() && !problems.full(); ++i) {
        config::Path place("server.startup");
        place.push(i);
        std::vector<std::pair<std::string, std::string>> to_open{
            {finder.resolve(settings.startup[i]), ""}};
        while (!to_open.empty()) {
            const auto [name, chain] = std::move(to_open.back());
            to_open.pop_back();
            if (modules.contains(name)) {
                continue;
            }
            FoundModule found = opened_among(modules, finder.plugin_of(name));
            try {
                if (!found) {
                    found = finder.open(name);
                }
                finder.learn_defaults(*found.type);
            } catch (const PluginError& error) {
                // Where the configuration names the plugin, that is the mistake's place.
                if (finder.plugin_of(name) == name) {
                    configuration.report(place, chain + error.what(), problems);
                }
            }
            modules[name] = std::move(found);
            for (const Dependency& dependency : dependencies_of(name)) {
                if (!dependency.optional) {
                    const std::string next = finder.resolve(dependency);
                    to_open.emplace_back(next,
                                         chain + "'" + name + "' depends on '" + next + "': ");
                }
            }
        }
    }
    for (std::size_t i = 0; i != settings.startup.size(); ++i) {
        config::Path place("server.startup");
        place.push(i);
        if (const std::string cycle = find_cycle(finder.resolve(settings.startup[i]), dependencies);
            !cycle.empty()) {
            configuration.report(place, "dependency cycle " + cycle, problems);
        }
    }
    std::erase_if(modules, [](const auto& module) { return !module.second; });
    check_versions(configuration, finder, problems);
}

std::vector<Dependency> StartupPlan::dependencies_of(const std::string& name) const {
    const auto found = modules.find(name);
    return found != modules.end() && found->second ? found->second.type->dependencies
                                                   : std::vector<Dependency>();
}

void StartupPlan::check_versions(const config::Configuration& configuration,
                                 const ModuleFinder& finder, config::Problems& problems) const {
    for (const auto& [name, module] : modules) {
        for (const Dependency& dependency : module.type->dependencies) {
            const auto needed = modules.find(finder.resolve(dependency));
            if (needed == modules.end()) {
                continue;
            }
            if (const std::string difference = version_difference(name, dependency, needed->first,
                                                                  needed->second.type->version);
                !difference.empty()) {
                configuration.report("server.startup", difference, problems);
            }
        }
    }
}

}  // namespace weir
