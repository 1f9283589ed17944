#include "modules/system/server/load.h"

#include <utility>

#include "core/wait/execute_all.h"
#include "modules/system/call/api_error.h"
#include "modules/system/server/instances.h"
#include "modules/system/server/load_error.h"
#include "modules/system/server/operation.h"
#include "modules/system/server/server.h"
#include "modules/system/server/startup_plan.h"

namespace weir {

Task<> Load::load(std::string name, std::string reason) {
    ModuleEntry& entry = parts_.table.entry(name);
    co_await until_reloaded(parts_.table, entry);
    while (entry.unloading) {
        const Future<> unloading = *entry.unloading;
        co_await wait_for_end(unloading);
    }
    if (!entry.loading) {
        if (entry.state == ModuleState::succeeded) {
            co_return;
        }
        if (entry.state == ModuleState::unloading && entry.found.library != nullptr) {
            throw LoadException("the module '" + name + "' has not been unloaded: " + entry.reason);
        }
        RoutineFuture<> begun(parts_.routines, run(entry, std::move(reason)),
                              {.name = "loading " + name});
        entry.loading = begun;
    }
    const Future<> loading = *entry.loading;
    co_await loading;
}

Task<std::string> Load::try_load(std::string name, std::string reason) {
    std::string failure;
    try {
        co_await load(std::move(name), std::move(reason));
    } catch (const LoadException& exception) {
        failure = exception.what();
    }
    co_return failure;
}

Task<> Load::run(ModuleEntry& entry, std::string reason) {
    Scheduler& scheduler = parts_.scheduler();
    const OperationEnd end(entry.loading);
    if (entry.state == ModuleState::failed) {
        co_await change_state(scheduler, parts_.table, entry, ModuleState::unloading,
                              "it is tried again");
    }
    if (entry.state == ModuleState::unloading) {
        co_await change_state(scheduler, parts_.table, entry, ModuleState::unloaded,
                              "it is tried again");
    }
    std::string failure;
    try {
        co_await change_state(scheduler, parts_.table, entry, ModuleState::loading, reason);
        co_await bring_up(entry, reason);
        co_return;
    } catch (...) {
        if (entry.state != ModuleState::loading && entry.state != ModuleState::loaded) {
            throw;  // there was no memory to begin, or to report the end
        }
        failure = current_api_error().message;
    }
    co_await release_.let_go(entry, true);
    co_await change_state(scheduler, parts_.table, entry, ModuleState::failed, failure);
    parts_.fallback.look_again();
    unload_.unload_unused_services();
    throw LoadException("the module '" + entry.name + "' failed: " + failure);
}

Task<> Load::bring_up(ModuleEntry& entry, std::string reason) {
    Scheduler& scheduler = parts_.scheduler();
    if (!entry.found) {
        entry.found = open(entry.name);
    }
    co_await load_dependencies(entry);
    make_module(entry);
    add_queues(*entry.module);
    co_await entry.module->load();
    std::exception_ptr failure;
    try {
        entry.module->begin();
        entry.module->serve();
        co_await change_state(scheduler, parts_.table, entry, ModuleState::loaded, reason);
        co_await change_state(scheduler, parts_.table, entry, ModuleState::succeeded,
                              std::move(reason));
        co_return;
    } catch (const QuitException&) {
        throw;
    } catch (...) {
        failure = std::current_exception();
    }
    // What load() has made, unload() takes back.
    entry.module->stop_serving();
    co_await unload_.prepare(entry, true);
    std::rethrow_exception(failure);
}

// Takes the library of another module of the plugin, if the file is still the same.
FoundModule Load::open(const std::string& name) {
    const std::string& plugin = parts_.app.finder().plugin_of(name);
    FoundModule shared;
    for (const auto& [other, entry] : parts_.table.entries) {
        if (!entry.found || other == name || entry.found.type->name != plugin) {
            continue;
        }
        if (const std::string why = why_single(*entry.found.type, name, other); !why.empty()) {
            throw LoadException(why);
        }
        if (entry.found.library == nullptr ||
            entry.found.library->stamp() == file_stamp(parts_.app.finder().file_of(name))) {
            shared = entry.found;
        }
    }
    return shared ? shared : parts_.app.open(name);
}

// The modules that load before: those that it depends on, and those that it can do without and that
// load anyway.
std::vector<std::string> Load::loaded_first(const ModuleEntry& entry) const {
    std::vector<std::string> names = entry.dependencies;
    if (!entry.found) {
        return names;
    }
    for (const Dependency& dependency : entry.found.type->dependencies) {
        if (!dependency.optional) {
            continue;
        }
        std::string name = parts_.app.finder().resolve(dependency);
        const ModuleEntry* other = parts_.table.find(name);
        if (other != nullptr && (other->loading || (other->by_name && !other->exists()))) {
            names.push_back(std::move(name));
        }
    }
    return names;
}

void Load::require_versions(
    const ModuleVersion& version,
    const std::function<const ModuleClass*(const std::string&)>& found) const {
    for (const Dependency& dependency : version.found.type->dependencies) {
        const std::string name = parts_.app.finder().resolve(dependency);
        const ModuleClass* const other = found(name);
        if (other == nullptr) {
            continue;
        }
        if (const std::string difference =
                version_difference(version.name, dependency, name, other->version);
            !difference.empty()) {
            throw LoadException(difference);
        }
    }
}

Task<> Load::load_dependencies(ModuleEntry& entry) {
    entry.dependencies = resolved_dependencies(*entry.found.type);
    const std::vector<std::string> first = loaded_first(entry);
    // Modules that wait for each other are all loading, and know on what they depend: the module
    // that closes the cycle finds it.
    const std::string cycle = find_cycle(entry.name, [this](const std::string& name) {
        const ModuleEntry* other = parts_.table.find(name);
        return other == nullptr ? std::vector<std::string>() : loaded_first(*other);
    });
    if (!cycle.empty()) {
        throw LoadException("dependency cycle " + cycle);
    }
    std::vector<Task<std::string>> loading;
    for (const std::string& name : first) {
        const bool is_needed = loading.size() < entry.dependencies.size();
        loading.push_back(
            try_load(name, "'" + entry.name + (is_needed ? "' depends on it" : "' uses it")));
    }
    if (loading.empty()) {
        co_return;
    }
    const std::vector<std::string> failures =
        co_await execute_all(parts_.routines, std::move(loading));
    std::string text;
    // A module that it can do without, and that fails, has said so.
    for (std::size_t i = 0; i != entry.dependencies.size(); ++i) {
        if (failures[i].empty()) {
            continue;
        }
        const ModuleEntry& failed = parts_.table.entry(entry.dependencies[i]);
        text += (text.empty() ? "it depends on '" : "; it depends on '") + failed.name + "'" +
                (failed.state == ModuleState::failed ? ", which failed: " + failed.reason
                                                     : ": " + failures[i]);
    }
    if (!text.empty()) {
        throw LoadException(text);
    }
    require_versions(entry, [this](const std::string& name) -> const ModuleClass* {
        const ModuleEntry* other = parts_.table.find(name);
        const bool works = other != nullptr && other->state == ModuleState::succeeded;
        return works ? other->found.type : nullptr;
    });
}

std::vector<std::string> Load::resolved_dependencies(const ModuleClass& type) {
    ModuleFinder& finder = parts_.app.finder();
    finder.learn_defaults(type);
    std::vector<std::string> names;
    for (const Dependency& dependency : type.dependencies) {
        if (!dependency.optional) {
            names.push_back(finder.resolve(dependency));
        }
    }
    return names;
}

void Load::make_module(ModuleVersion& version) {
    const ModuleClass& type = *version.found.type;
    config::Problems problems;
    version.common =
        parts_.app.configuration().read<CommonModuleSettings>("module." + version.name, problems);
    if (!problems.empty()) {
        throw LoadException("its settings are wrong: " + problems.text());
    }
    const std::shared_ptr<void> settings = read_settings(type, version.name);
    const LogLevel level = version.common.log_level.value_or(parts_.app.settings().log.level);
    version.module =
        type.make(ModuleContext{parts_.scheduler(), parts_.server, parts_.server.access(),
                                parts_.server.events(), type, version.name, settings, level});
    for (const Dependency& dependency : type.dependencies) {
        if (dependency.optional) {
            std::string name = parts_.app.finder().resolve(dependency);
            const ModuleEntry* other = parts_.table.find(name);
            const bool there = other != nullptr && other->state == ModuleState::succeeded;
            version.module->optional_dependencies().push_back(
                {dependency.name, std::move(name), there});
        }
    }
    version.holds = version.module->holds();
    version.module->set_state(ModuleState::loading);
}

void Load::add_queues(Module& module) {
    std::vector<Module*> others;
    for (const auto& [name, entry] : parts_.table.entries) {
        if (entry.module != nullptr && entry.module.get() != &module) {
            others.push_back(entry.module.get());
        }
    }
    parts_.queues.add_for(module, std::move(others));
    module.add_declared_queues();
}

std::shared_ptr<void> Load::read_settings(const ModuleClass& type, const std::string& name) const {
    if (type.settings == nullptr) {
        return nullptr;
    }
    config::Problems problems;
    std::shared_ptr<void> settings = type.settings->make();
    parts_.app.configuration().read("module." + name, *type.settings, settings.get(), problems);
    if (!problems.empty()) {
        throw LoadException("its settings are wrong: " + problems.text());
    }
    return settings;
}

}  // namespace weir
