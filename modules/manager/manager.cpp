#include "modules/manager/manager.h"

#include <algorithm>

#include "config/settings/duration.h"
#include "config/text/joined.h"
#include "config/text/quoted.h"
#include "core/run/random_id.h"
#include "core/wait/timeout.h"
#include "modules/system/call/caller.h"
#include "modules/system/call/json.h"
#include "modules/system/call/long_turn.h"
#include "modules/system/server/loader.h"
#include "modules/system/server/server_metrics.h"

namespace weir {

using config::setting;

config::Settings<ManagerSettings> ManagerSettings::describe() {
    return config::settings<ManagerSettings>(
        "Manages the modules of the server",
        setting("auto_reload", &ManagerSettings::auto_reload,
                "Reload modules whose plugin's file has changed"),
        setting("check_interval", &ManagerSettings::check_interval,
                "How often the files are looked at")
            .at_least(std::chrono::milliseconds(10)));
}

config::Settings<ManagedModule> ManagedModule::describe() {
    using M = ManagedModule;
    return config::settings<M>(
        "A module", setting("name", &M::name, "Its name, under which it is loaded and called"),
        setting("plugin", &M::plugin, "The plugin that it is made of"),
        setting("version", &M::version, "The version of its API"),
        setting("sentence", &M::sentence, "What it is for"),
        setting("state", &M::state, "Its state"),
        setting("reason", &M::reason, "Reason of its last change of state"),
        setting("by_name", &M::by_name, "Whether it was asked for itself"),
        setting("service", &M::service, "Whether it unloads when no module depends on it any more"),
        setting("dependencies", &M::dependencies, "The modules that it depends on"),
        setting("uses", &M::uses, "The modules that it uses and can do without"),
        setting("users", &M::users, "The modules that depend on it"),
        setting("file", &M::file, "Its plugin; empty if it is part of the program"),
        setting("leaving", &M::leaving,
                "For each old version that is still in memory: what keeps it"));
}

config::Settings<LoadParameters> LoadParameters::describe() {
    return config::settings<LoadParameters>(
        "Loads a module, with those that it depends on",
        setting("module", &LoadParameters::module, "Its name").not_empty().required());
}

config::Settings<UnloadParameters> UnloadParameters::describe() {
    return config::settings<UnloadParameters>(
        "Unloads a module, with those that depend on it",
        setting("module", &UnloadParameters::module, "Its name").not_empty().required(),
        setting("force", &UnloadParameters::force, "Even if something holds it in use"));
}

config::Settings<ReloadParameters> ReloadParameters::describe() {
    return config::settings<ReloadParameters>(
        "Loads modules, and those that depend on them, again from their files",
        setting("modules", &ReloadParameters::modules, "Their names"),
        setting("plugins", &ReloadParameters::plugins, "Plugins of which all modules are meant"));
}

config::Settings<AutoReloadParameters> AutoReloadParameters::describe() {
    return config::settings<AutoReloadParameters>(
        "Starts or stops reloading modules whose plugin's file has changed",
        setting("enabled", &AutoReloadParameters::enabled, "true: starts, false: stops"));
}

ModuleDeclaration<Manager> Manager::declare() {
    return declare_module<Manager>("manager", "Lists, loads, unloads and reloads modules")
        .depends_on("lock")
        .optional()
        .function("modules", "Lists the modules that were loaded, or tried", &Manager::modules)
        .function("inspect", &Manager::inspect)
        .function("routines", &Manager::routines)
        .function("settings", &Manager::module_settings)
        .function("change_settings", &Manager::change)
        .function("metrics", "Returns all metrics in the text format of Prometheus",
                  &Manager::metrics)
        .function("load", &Manager::load_module)
        .function("unload", &Manager::unload_module)
        .function("reload", &Manager::reload_modules)
        .function("auto_reload", &Manager::auto_reload)
        .function("start_trace", &Manager::start_trace)
        .function("trace", "Returns the state of a recording", &Manager::trace)
        .function("take_trace",
                  "Ends a recording that still runs, and takes a part of its records; taking the "
                  "last part "
                  "drops it",
                  &Manager::take_trace)
        .reads({"modules", "inspect", "routines", "metrics"})
        .rights({"inspect_all"});
}

void Manager::begin() {
    watch_files(settings().auto_reload);
}

void Manager::settings_changed(const ManagerSettings&) {
    watch_files(false);
    watch_files(settings().auto_reload);
}

std::vector<ManagedModule> Manager::modules() const {
    std::vector<ManagedModule> result;
    for (ModuleInfo& info : server().loader().modules()) {
        std::vector<std::string> leaving;
        for (const std::vector<std::string>& living : info.leaving) {
            leaving.push_back(config::joined(living, "; "));
        }
        result.push_back({std::move(info.name), std::move(info.plugin), std::move(info.version),
                          std::move(info.sentence), std::string(to_string(info.state)),
                          std::move(info.reason), info.by_name, info.service,
                          std::move(info.dependencies), std::move(info.uses), std::move(info.users),
                          std::move(info.file), std::move(leaving)});
    }
    return result;
}

namespace {

// The most that the module `lock` lists.
constexpr std::uint32_t most_locks = 10'000;

// Counts the keys, holders and waiters of a list of locks.
std::size_t items(const Json& locks) {
    std::size_t count = 0;
    for (const Json& lock : locks) {
        count += 1 + lock.at("holders").size() + lock.at("waiters").size();
    }
    return count;
}

// What the module `lock` answers; null if it does not run.
Task<Json> ask_about_locks(const Module& module, std::string function, Json parameters) {
    if (!module.has("lock")) {
        co_return Json();
    }
    ApiResult<Json> answer = co_await call("lock", std::move(function), std::move(parameters));
    co_return answer ? std::move(answer).value() : Json();
}

}  // namespace

// All that it shows of the server is of one moment, and may be as much as clients please.
Task<> Manager::long_turn(const Caller& caller) {
    return weir::long_turn(long_work_, caller, LongWork::per_round);
}

Task<std::string> Manager::metrics(NoParameters /*parameters*/, const Caller& caller) {
    co_await long_turn(caller);
    co_return metrics_text(collect_metrics(server()));
}

Task<Json> Manager::routines(RoutinesParameters parameters, const Caller& caller) {
    co_await long_turn(caller);
    co_return routine_listing(server(), parameters);
}

// Not for all who may read: a setting can be an address with a password in it.
std::vector<ManagedSetting> Manager::module_settings(const SettingsParameters& parameters) {
    return settings_of(server(), parameters.module);
}

ChangedSettings Manager::change(const ChangeSettingsParameters& parameters, const Caller& caller) {
    ChangedSettings changed = change_settings(server(), parameters);
    std::vector<std::string> names;
    for (const auto& [setting, value] : parameters.settings) {
        names.push_back("module." + parameters.module + "." + setting);
    }
    log().info("{} changed by {}", config::joined(names, ", "),
               caller.user().empty() ? "a client" : "user '" + caller.user() + "'");
    return changed;
}

Task<Json> Manager::inspect(InspectParameters parameters, const Caller& client) {
    if (parameters.most > InspectParameters::most_for_all) {
        client.require({name(), "inspect_all"});
    }
    const std::uint32_t most = std::min(parameters.most, most_locks);
    Json locks;
    if (parameters.locks) {
        Json at_most{{"most", most}};
        locks = co_await ask_about_locks(*this, "list", std::move(at_most));
    }
    Json statistics = co_await ask_about_locks(*this, "statistics", Json::object());
    co_await long_turn(client);
    Json result = co_await inspection(server(), parameters, client, long_work_);
    result["lock_statistics"] = std::move(statistics);
    if (parameters.locks) {
        result["locks_left_out"] = items(locks) >= most;
        result["locks"] = std::move(locks);
    }
    co_return result;
}

namespace {

// Awaits what the loader does, and answers its exceptions as errors.
Task<> answer_failures(Task<> loading) {
    try {
        co_await loading;
    } catch (const UnloadRefused& refused) {
        throw ApiException("in_use", refused.what());
    } catch (const LoadException& failure) {
        throw ApiException(std::string(ApiError::failed), failure.what());
    }
}

}  // namespace

Task<> Manager::load_module(LoadParameters parameters) {
    co_await answer_failures(server().loader().load(std::move(parameters.module)));
}

// The manager itself unloads when this call has been answered: unloading waits for its calls.
Task<> Manager::unload_module(UnloadParameters parameters) {
    co_await answer_failures(unload_or_begin(std::move(parameters.module), parameters.force));
}

Task<> Manager::unload_or_begin(std::string module, bool force) {
    Loader& loader = server().loader();
    if (loader.finder().resolve(module) == name()) {
        loader.begin_unload(std::move(module), force);
    } else {
        co_await loader.unload(std::move(module), force);
    }
}

Task<> Manager::reload_modules(ReloadParameters parameters) {
    Loader& loader = server().loader();
    std::vector<std::string> names = std::move(parameters.modules);
    for (const std::string& plugin : parameters.plugins) {
        const std::vector<std::string> all = loader.modules_of_plugin(plugin);
        if (all.empty()) {
            throw ApiException(
                ApiError::bad_parameter,
                "no module of the plugin '" + config::printable(plugin) + "' is loaded");
        }
        names.insert(names.end(), all.begin(), all.end());
    }
    if (names.empty()) {
        throw ApiException(ApiError::bad_parameter, "modules, or plugins, must be given");
    }
    co_await answer_failures(loader.reload(std::move(names)));
}

void Manager::auto_reload(const AutoReloadParameters& parameters) {
    watch_files(parameters.enabled);
}

namespace {

// The plugins whose files differ from those that run, and since when each file is as it is.
class ChangedFiles {
public:
    // Looks at the files.
    void look(Loader& loader, Time now) {
        std::map<std::string, File> seen;
        for (const std::string& name : loader.changed_files()) {
            const FileStamp stamp = file_stamp(loader.finder().file_of(name));
            const auto before = files_.find(name);
            const bool same = before != files_.end() && before->second.stamp == stamp;
            seen.emplace(name, same ? before->second : File{stamp, now, false});
        }
        files_ = std::move(seen);
    }

    // Returns those that have not changed for a while, each once.
    std::vector<std::string> take_quiet(Time now) {
        std::vector<std::string> names;
        for (auto& [name, file] : files_) {
            if (!file.taken && now - file.since >= Manager::quiet_time) {
                file.taken = true;
                names.push_back(name);
            }
        }
        return names;
    }

private:
    struct File {
        FileStamp stamp;
        Time since;
        bool taken;
    };
    std::map<std::string, File> files_;
};

}  // namespace

void Manager::watch_files(bool enabled) {
    if (enabled == (watching_ != nullptr && !watching_->ended())) {
        return;
    }
    if (enabled) {
        watching_ = start(watch(), {.name = "manager.watch", .daemon = true});
    } else {
        watching_->close();
    }
}

Task<> Manager::watch() {
    Loader& loader = server().loader();
    ChangedFiles files;
    for (;;) {
        co_await sleep(settings().check_interval);
        files.look(loader, scheduler().now());
        const std::vector<std::string> quiet = files.take_quiet(scheduler().now());
        if (quiet.empty()) {
            continue;
        }
        try {
            co_await loader.reload(quiet);
        } catch (const LoadException&) {
            // The loader has logged it. The plugin is tried again when its file changes again.
        }
    }
}

// --- recording

TraceStatus Manager::start_trace(const StartTraceParameters& parameters, const Caller& client) {
    if (recording_) {
        throw ApiException(
            "in_use", "another client records; try again in " +
                          config::duration_text(recording_->status().left + Recording::patience));
    }
    if (scheduler().tracer() != nullptr) {
        throw ApiException("in_use", "a part of the program traces the server already");
    }
    // Random: a client that began one before a restart of the server does not get another's.
    recording_.emplace(scheduler(), random_id(scheduler().poller()), parameters, client);
    watching_recording_ =
        start(watch_recording(), {.name = "manager.watch_recording", .daemon = true});
    return recording_->status();
}

TraceStatus Manager::trace(const TraceParameters& parameters) {
    return recording(parameters.trace).status();
}

Json Manager::take_trace(const TraceParameters& parameters) {
    Recording& taken = recording(parameters.trace);
    taken.stop();
    Json result = taken.take();
    if (taken.empty()) {
        recording_.reset();
        watching_recording_->close();
    }
    return result;
}

Recording& Manager::recording(const std::string& id) {
    if (!recording_ || recording_->id() != id) {
        throw ApiException("unknown_trace",
                           "there is no trace '" + config::printable(id) +
                               "': it was taken, no client has asked about it for " +
                               config::duration_text(Recording::patience) +
                               ", or the module was reloaded");
    }
    recording_->asked();
    return *recording_;
}

Task<> Manager::watch_recording() {
    while (const std::optional<Duration> wait = recording_->look()) {
        co_await sleep(*wait);
    }
    recording_.reset();
}

}  // namespace weir

WEIR_PLUGIN(manager, weir::Manager)
