#include "core/wait/execute_all.h"
#include "modules/system/call/api_error.h"
#include "modules/system/server/loader.h"
#include "modules/system/server/loader_change.h"
#include "modules/system/server/server.h"

namespace weir {

Task<> Loader::ensure_loaded(std::string name, std::string reason) {
    Entry& e = entry(name);
    while (e.reloading) {
        Task<bool> waiting = wait_until([&e] { return !e.reloading; });
        co_await waiting;
    }
    while (e.unloading) {
        Task<> ending = wait_for_end(*e.unloading);
        co_await ending;
    }
    if (!e.loading) {
        if (e.state == ModuleState::succeeded) {
            co_return;
        }
        if (e.state == ModuleState::unloading && e.found.library != nullptr) {
            throw LoadException("the module '" + name + "' has not been unloaded: " + e.reason);
        }
        RoutineFuture<> begun(*this, run_load(e, std::move(reason)), {.name = "loading " + name});
        e.loading = begun;
    }
    const Future<> loading = *e.loading;
    co_await loading;
}

// Says what went wrong; "" if nothing did.
Task<std::string> Loader::try_load(std::string name, std::string reason) {
    std::string failure;
    try {
        Task<> loading = ensure_loaded(name, std::move(reason));
        co_await loading;
    } catch (const LoadException& exception) {
        failure = exception.what();
    }
    co_return failure;
}

Task<> Loader::run_load(Entry& e, std::string reason) {
    const Ending ending(e.loading);
    if (e.state == ModuleState::failed) {
        Task<> to_unloading = change_state(e, ModuleState::unloading, "it is tried again");
        co_await to_unloading;
    }
    if (e.state == ModuleState::unloading) {
        Task<> to_unloaded = change_state(e, ModuleState::unloaded, "it is tried again");
        co_await to_unloaded;
    }
    std::string failure;
    try {
        Task<> to_loading = change_state(e, ModuleState::loading, reason);
        co_await to_loading;
        Task<> bringing_up = bring_up(e, reason);
        co_await bringing_up;
        co_return;
    } catch (...) {
        if (e.state != ModuleState::loading && e.state != ModuleState::loaded) {
            throw;  // there was no memory to begin, or to tell of the end
        }
        failure = current_api_error().message;
    }
    std::string kept;
    Task<> going = let_go(e, true, kept);
    co_await going;
    Task<> to_failed = change_state(e, ModuleState::failed, failure);
    co_await to_failed;
    fallback_.look_again();
    unload_unused_services();
    throw LoadException("the module '" + e.name + "' failed: " + failure);
}

Task<> Loader::bring_up(Entry& e, std::string reason) {
    if (!e.found) {
        e.found = finder_.open(e.name);
    }
    Task<> loading_dependencies = load_dependencies(e);
    co_await loading_dependencies;
    make_module(e);
    e.module->add_declared_queues();
    Task<> loading = e.module->load();
    co_await loading;
    std::exception_ptr failure;
    try {
        e.module->begin();
        e.module->serve();
        Task<> to_loaded = change_state(e, ModuleState::loaded, reason);
        co_await to_loaded;
        if (e.found.type->succeeds_later) {
            const Future<> outcome = e.module->outcome_;
            co_await outcome;
        }
        Task<> to_succeeded = change_state(e, ModuleState::succeeded, std::move(reason));
        co_await to_succeeded;
        co_return;
    } catch (const QuitException&) {
        throw;
    } catch (...) {
        failure = std::current_exception();
    }
    // What load() has made, unload() takes back.
    e.module->stop_serving();
    Task<> taking_down = take_down(e, true);
    co_await taking_down;
    std::rethrow_exception(failure);
}

Task<> Loader::load_dependencies(Entry& e) {
    e.dependencies = resolved_dependencies(*e.found.type);
    // Modules that wait for each other are all loading, and know on what they depend: the one that
    // closes the circle sees it.
    const std::string cycle = find_cycle(e.name, [this](const std::string& name) {
        const Entry* other = find_entry(name);
        return other == nullptr ? Names() : other->dependencies;
    });
    if (!cycle.empty()) {
        throw LoadException("dependency cycle " + cycle);
    }
    std::vector<Task<std::string>> loading;
    for (const std::string& name : e.dependencies) {
        loading.push_back(try_load(name, "'" + e.name + "' depends on it"));
    }
    if (loading.empty()) {
        co_return;
    }
    Task<std::vector<std::string>> all = execute_all(*this, std::move(loading));
    const std::vector<std::string> failures = co_await all;
    std::string text;
    for (std::size_t i = 0; i != failures.size(); ++i) {
        if (failures[i].empty()) {
            continue;
        }
        const Entry& failed = entry(e.dependencies[i]);
        text += (text.empty() ? "it depends on '" : "; it depends on '") + failed.name + "'" +
                (failed.state == ModuleState::failed ? ", which failed: " + failed.reason
                                                     : ": " + failures[i]);
    }
    if (!text.empty()) {
        throw LoadException(text);
    }
}

Loader::Names Loader::resolved_dependencies(const ModuleClass& type) {
    finder_.learn_defaults(type);
    Names names;
    for (const Dependency& dependency : type.dependencies) {
        names.push_back(finder_.resolve(dependency));
    }
    return names;
}

void Loader::make_module(Version& version) {
    const ModuleClass& type = *version.found.type;
    config::Problems problems;
    version.common =
        server_.configuration().read<CommonModuleSettings>("module." + version.name, problems);
    if (!problems.empty()) {
        throw LoadException("its settings are wrong: " + problems.text());
    }
    const std::shared_ptr<void> settings = read_settings(type);
    version.module = type.make(ModuleContext{scheduler(), server_, type, settings,
                                             log_level(version), server_.functions_keep_it_up()});
    version.holds = version.module->holds_;
    version.module->state_ = ModuleState::loading;
    server_.add_queues_for(type);
}

std::shared_ptr<void> Loader::read_settings(const ModuleClass& type) const {
    if (type.settings == nullptr) {
        return nullptr;
    }
    config::Problems problems;
    std::shared_ptr<void> settings = type.settings->make();
    server_.configuration().read("module." + type.name, *type.settings, settings.get(), problems);
    if (!problems.empty()) {
        throw LoadException("its settings are wrong: " + problems.text());
    }
    return settings;
}

}  // namespace weir
