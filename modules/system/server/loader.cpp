#include "modules/system/server/loader.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "config/settings/changes.h"
#include "config/settings/reader.h"
#include "config/text/joined.h"
#include "core/wait/execute_all.h"
#include "modules/system/server/log_changes.h"
#include "modules/system/server/reload.h"

namespace weir {

namespace {

// Throws one exception for all failures. An empty text stands for success.
void throw_if_any(std::vector<std::string> failures) {
    std::erase(failures, "");
    if (!failures.empty()) {
        throw LoadException(config::joined(failures, "; "));
    }
}

}  // namespace

Loader::Loader(Scheduler& scheduler, Server& server, CheckedApp& app, ConfiguredQueues& queues,
               ModuleTable& table)
    : Container(scheduler),
      fallback_(scheduler, table, app.finder()),
      parts_{server, *this, app, queues, table, fallback_},
      release_(parts_),
      old_versions_(parts_, release_, [this] { unload_.unload_unused_services(); }),
      unload_(parts_, release_, old_versions_),
      load_(parts_, release_, unload_) {}

Loader::~Loader() {
    close();
    parts_.table.destroy_modules();
}

// --- loading and unloading

Task<> Loader::load(std::string name) {
    const std::string own = finder().resolve(name);
    parts_.table.entry(own).by_name = true;
    co_await load_.load(own, "asked for");
}

Task<> Loader::load_all(std::vector<std::string> names, std::string reason) {
    std::vector<Task<std::string>> loading;
    for (const std::string& name : names) {
        const std::string own = finder().resolve(name);
        parts_.table.entry(own).by_name = true;
        loading.push_back(load_.try_load(own, reason));
    }
    if (loading.empty()) {
        co_return;
    }
    throw_if_any(co_await execute_all(*this, std::move(loading)));
}

Task<> Loader::unload(std::string name, bool force) {
    const std::string own = finder().resolve(name);
    const ModuleEntry* entry = parts_.table.find(own);
    if (entry == nullptr || !entry->exists()) {
        throw LoadException("the module '" + own + "' is not loaded");
    }
    co_await unload_.unload(own, "asked for", force);
}

void Loader::begin_unload(std::string name, bool force) {
    const std::string own = finder().resolve(name);
    if (!force) {
        unload_.refuse_if_in_use(parts_.table.entry(own));
    }
    start(unload_and_log(own, force), {.name = "unloading " + own});
}

Task<> Loader::unload_and_log(std::string name, bool force) {
    const std::string failure =
        co_await unload_.try_unload(std::move(name), "it has asked for it itself", force);
    if (!failure.empty()) {
        scheduler().log(LogLevel::error, failure);
    }
}

Task<> Loader::unload_all(bool force) {
    // First those that use others without depending on them: they may still need them.
    std::vector<std::string> failures;
    for (const bool users : {true, false}) {
        std::vector<Task<std::string>> unloading;
        for (const auto& [name, entry] : parts_.table.entries) {
            const bool uses =
                entry.module != nullptr && !entry.module->optional_dependencies().empty();
            if (entry.exists() && uses == users) {
                unloading.push_back(unload_.try_unload(name, "all modules unload", force));
            }
        }
        if (!unloading.empty()) {
            std::ranges::move(co_await execute_all(*this, std::move(unloading)),
                              std::back_inserter(failures));
        }
    }
    throw_if_any(std::move(failures));
}

bool Loader::has_functions() const noexcept {
    return std::ranges::any_of(parts_.table.entries, [](const auto& entry) {
        const Module* module = entry.second.module.get();
        // Every module has `discover`; one with more functions is there to be called.
        return module != nullptr && module->serving() && module->type().api.functions().size() > 1;
    });
}

Task<> Loader::reload(std::vector<std::string> names) {
    for (std::string& name : names) {
        name = finder().resolve(name);
        if (state(name) != ModuleState::succeeded) {
            throw LoadException("the module '" + name + "' is not loaded");
        }
    }
    if (parts_.table.reloading) {
        throw LoadException("modules are being reloaded already");
    }
    RoutineFuture<> begun(*this, run_reload(std::move(names)), {.name = "reloading"});
    const Future<> reloading = begun;
    co_await reloading;
}

Task<> Loader::run_reload(std::vector<std::string> names) {
    Reload reload(parts_, load_, release_, old_versions_);
    const std::string which = config::joined(names, ", ");
    try {
        co_await reload.run(std::move(names));
    } catch (const LoadException& exception) {
        // The caller may have gone.
        parts_.scheduler().log(LogLevel::error, "reloading " + which + ": " + exception.what());
        throw;
    }
}

// --- settings

void Loader::settings_changed() {
    for (auto& [name, entry] : parts_.table.entries) {
        if (entry.module != nullptr && entry.state == ModuleState::succeeded) {
            change_settings(entry);
            read_files_again(entry);
        }
    }
}

void Loader::read_files_again(ModuleEntry& entry) {
    try {
        entry.module->read_files_again();
    } catch (...) {
        scheduler().log_exception("read_files_again() of the module '" + entry.name + "' ended");
    }
}

void Loader::change_settings(ModuleEntry& entry) {
    const std::string section = "module." + entry.name;
    const char* const when =
        entry.found.type->unload_for_fixed
            ? "when the module is unloaded and loaded again; until then the old value holds, and "
              "the module cannot be reloaded"
            : "when the module is reloaded";
    config::Problems problems;
    CommonModuleSettings common =
        parts_.app.configuration().read<CommonModuleSettings>(section, problems);
    log_changes(scheduler(), section, config::changes(entry.common, common), when);
    entry.common = std::move(common);
    entry.module->set_log_level(log_level(entry));
    const config::Description* description = entry.found.type->settings;
    if (description == nullptr) {
        return;
    }
    const std::shared_ptr<void> settings = load_.read_settings(*entry.found.type, entry.name);
    const void* const before = entry.module->settings_object();
    log_changes(scheduler(), section, config::changes(*description, before, settings.get()), when);
    if (!config::keep_fixed(*description, before, settings.get())) {
        return;
    }
    const std::shared_ptr<void> old = entry.module->exchange_settings(settings);
    try {
        entry.module->settings_changed_from(old.get());
    } catch (...) {
        scheduler().log_exception("settings_changed() of the module '" + entry.name + "' ended");
    }
}

// --- what there is

Module* Loader::find(std::string_view name) const {
    const ModuleEntry* entry = parts_.table.find(parts_.app.finder().resolve(name));
    return entry == nullptr ? nullptr : entry->module.get();
}

ModuleState Loader::state(std::string_view name) const {
    const ModuleEntry* entry = parts_.table.find(parts_.app.finder().resolve(name));
    return entry == nullptr ? ModuleState::not_loaded : entry->state;
}

std::vector<ModuleInfo> Loader::modules() const {
    std::vector<ModuleInfo> result;
    for (const auto& [name, entry] : parts_.table.entries) {
        ModuleInfo info;
        info.name = name;
        info.state = entry.state;
        info.reason = entry.reason;
        info.since = entry.since;
        info.changes = entry.changes;
        info.by_name = entry.by_name;
        info.service = entry.is_service();
        info.dependencies = entry.dependencies;
        info.users = parts_.table.users_of(name);
        if (entry.module != nullptr) {
            for (const Module::OptionalDependency& other : entry.module->optional_dependencies()) {
                info.uses.push_back(other.module);
            }
        }
        if (entry.found) {
            info.sentence = entry.found.type->sentence;
            info.plugin = entry.found.type->name;
            info.version = to_string(entry.found.type->version);
        }
        if (entry.found.library != nullptr) {
            info.file = entry.found.library->path();
            info.library = entry.found.library->size();
        }
        if (entry.module != nullptr) {
            for ([[maybe_unused]] const Routine& call : entry.module->calls()) {
                ++info.calls;
            }
        }
        for (const LeavingVersion& old : parts_.table.leaving) {
            if (old.name == name) {
                info.leaving.push_back(living_of(parts_, old));
            }
        }
        result.push_back(std::move(info));
    }
    return result;
}

std::string Loader::module_of(const RoutineInfo& routine) const {
    return parts_.table.module_of(routine.container, routine.started_at);
}

std::string Loader::module_of(const Routine& routine) const {
    return parts_.table.module_of(routine.container(), routine.started_at());
}

LogLevel Loader::log_level(std::string_view name) const {
    const ModuleEntry* entry = parts_.table.find(name);
    return entry == nullptr ? parts_.app.settings().log.level : log_level(*entry);
}

LogLevel Loader::log_level(const ModuleVersion& version) const noexcept {
    return version.common.log_level.value_or(parts_.app.settings().log.level);
}

std::vector<std::string> Loader::modules_of_plugin(std::string_view plugin) const {
    std::vector<std::string> names;
    for (const auto& [name, entry] : parts_.table.entries) {
        if (entry.module != nullptr && entry.found.type->name == plugin) {
            names.push_back(name);
        }
    }
    return names;
}

std::vector<std::string> Loader::changed_files() const {
    std::vector<std::string> names;
    for (const auto& [name, entry] : parts_.table.entries) {
        if (entry.module == nullptr || entry.found.library == nullptr) {
            continue;
        }
        const FileStamp now = file_stamp(entry.found.library->path());
        if (now != FileStamp() && now != entry.found.library->stamp()) {
            names.push_back(name);
        }
    }
    return names;
}

}  // namespace weir
