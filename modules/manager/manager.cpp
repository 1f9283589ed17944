#include "modules/manager/manager.h"

#include "config/settings/duration.h"
#include "core/run/random_id.h"
#include "core/wait/timeout.h"

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
        "A module", setting("name", &M::name, "Under which it is loaded and called"),
        setting("sentence", &M::sentence, "What it is for"),
        setting("state", &M::state, "Its state"),
        setting("reason", &M::reason, "Why it came into that state"),
        setting("by_name", &M::by_name, "Whether it was asked for itself"),
        setting("service", &M::service, "Whether it goes when no module depends on it any more"),
        setting("dependencies", &M::dependencies, "The modules that it depends on"),
        setting("users", &M::users, "The modules that depend on it"),
        setting("file", &M::file, "Its plugin; empty if it is part of the program"),
        setting("leaving", &M::leaving, "Of each old version that is still there: what keeps it"));
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
        setting("modules", &ReloadParameters::modules, "Their names").not_empty().required());
}

config::Settings<AutoReloadParameters> AutoReloadParameters::describe() {
    return config::settings<AutoReloadParameters>(
        "Starts or stops reloading modules whose plugin's file has changed",
        setting("enabled", &AutoReloadParameters::enabled, "Whether to"));
}

ModuleDeclaration<Manager> Manager::declare() {
    return declare_module<Manager>("manager", "Lists, loads, unloads and reloads modules")
        .function("modules", "Lists the modules that were loaded, or tried", &Manager::modules)
        .function("inspect", &Manager::inspect)
        .function("load", &Manager::load_module)
        .function("unload", &Manager::unload_module)
        .function("reload", &Manager::reload_modules)
        .function("auto_reload", &Manager::auto_reload)
        .function("start_trace", &Manager::start_trace)
        .function("trace", "Tells how a recording is getting on", &Manager::trace)
        .function(
            "take_trace",
            "Ends a recording, if it goes on, and takes a part of its records; with the last it "
            "is gone",
            &Manager::take_trace);
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
            std::string& text = leaving.emplace_back();
            for (const std::string& what : living) {
                text += (text.empty() ? "" : "; ") + what;
            }
        }
        result.push_back({std::move(info.name), std::move(info.sentence),
                          std::string(to_string(info.state)), std::move(info.reason), info.by_name,
                          info.service, std::move(info.dependencies), std::move(info.users),
                          std::move(info.file), std::move(leaving)});
    }
    return result;
}

namespace {

// What the module `lock` answers; null if it does not run.
Task<Json> ask_about_locks(Server& server, std::string function) {
    if (server.loader().state("lock") != ModuleState::succeeded) {
        co_return Json();
    }
    Json all = Json::object();
    Task<ApiResult<Json>> asking = call("lock", std::move(function), std::move(all));
    ApiResult<Json> answer = co_await asking;
    co_return answer ? std::move(answer).value() : Json();
}

}  // namespace

Task<Json> Manager::inspect(InspectParameters parameters) {
    Json locks;
    if (parameters.locks) {
        Task<Json> listing = ask_about_locks(server(), "list");
        locks = co_await listing;
    }
    Task<Json> counting = ask_about_locks(server(), "statistics");
    Json statistics = co_await counting;
    Json result = inspection(server(), parameters);
    result["lock_statistics"] = std::move(statistics);
    if (parameters.locks) {
        result["locks"] = std::move(locks);
    }
    co_return result;
}

Task<> Manager::load_module(LoadParameters parameters) {
    Task<> loading = server().loader().load(std::move(parameters.module));
    co_await loading;
}

Task<> Manager::unload_module(UnloadParameters parameters) {
    std::string refusal;
    try {
        Task<> unloading = server().loader().unload(std::move(parameters.module), parameters.force);
        co_await unloading;
    } catch (const UnloadRefused& refused) {
        refusal = refused.what();
    }
    if (!refusal.empty()) {
        throw ApiException("in_use", std::move(refusal));
    }
}

Task<> Manager::reload_modules(ReloadParameters parameters) {
    Task<> reloading = server().loader().reload(std::move(parameters.modules));
    co_await reloading;
}

void Manager::auto_reload(const AutoReloadParameters& parameters) {
    watch_files(parameters.enabled);
}

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
    std::map<std::string, FileStamp> seen;    // at the last look
    std::map<std::string, FileStamp> failed;  // that could not be loaded
    for (;;) {
        co_await sleep(settings().check_interval);
        std::vector<std::string> to_reload;
        std::map<std::string, FileStamp> now;
        for (const std::string& name : loader.changed_files()) {
            const FileStamp stamp = file_stamp(loader.finder().file_of(name));
            const auto last = seen.find(name);
            const auto tried = failed.find(name);
            if (last != seen.end() && last->second == stamp &&
                (tried == failed.end() || tried->second != stamp)) {
                to_reload.push_back(name);
            }
            now.emplace(name, stamp);
        }
        seen = std::move(now);
        if (to_reload.empty()) {
            continue;
        }
        try {
            Task<> reloading = loader.reload(to_reload);
            co_await reloading;
        } catch (const LoadException& exception) {
            for (const std::string& name : to_reload) failed[name] = seen[name];
            log().error("a changed plugin is not reloaded: {}", exception.what());
        }
    }
}

// --- recording

TraceStatus Manager::start_trace(const StartTraceParameters& parameters) {
    if (recording_) {
        throw ApiException(
            "in_use", "somebody else records; try again in " +
                          config::duration_text(recording_->status().left + Recording::patience));
    }
    if (scheduler().tracer() != nullptr) {
        throw ApiException("in_use", "a part of the program traces the server already");
    }
    // Random: who asked for one before a restart of the server does not get another.
    recording_.emplace(scheduler(), random_id(scheduler().poller()), parameters);
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
        throw ApiException("unknown_trace", "there is no trace '" + id +
                                                "': it was taken, nobody has asked about it for " +
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
