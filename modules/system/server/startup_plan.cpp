#include "modules/system/server/startup_plan.h"

#include <algorithm>
#include <set>
#include <utility>

#include "config/text/joined.h"

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
    const auto dependencies = [&](const std::string& name) {
        std::vector<std::string> names;
        if (const auto found = modules.find(name); found != modules.end() && found->second) {
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
            if (modules.contains(name)) {
                continue;
            }
            FoundModule& found = modules[name];
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
    std::erase_if(modules, [](const auto& module) { return !module.second; });
}

}  // namespace weir
