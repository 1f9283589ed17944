#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/wait/long_work.h"
#include "modules/manager/inspection.h"
#include "modules/manager/recording.h"
#include "modules/manager/routine_listing.h"
#include "modules/manager/settings_access.h"
#include "modules/system/module/plugin.h"
#include "modules/system/server/server.h"

namespace weir {

struct ManagerSettings {
    bool auto_reload = false;
    std::chrono::milliseconds check_interval{5000};

    static config::Settings<ManagerSettings> describe();
};

// A module as the manager lists it; see ModuleInfo.
struct ManagedModule {
    std::string name;
    std::string plugin;
    std::string version;
    std::string sentence;
    std::string state;
    std::string reason;
    bool by_name = false;
    bool service = false;
    std::vector<std::string> dependencies;
    std::vector<std::string> uses;
    std::vector<std::string> users;
    std::string file;
    std::vector<std::string> leaving;

    static config::Settings<ManagedModule> describe();
};

struct LoadParameters {
    std::string module;

    static config::Settings<LoadParameters> describe();
};

struct UnloadParameters {
    std::string module;
    bool force = false;

    static config::Settings<UnloadParameters> describe();
};

struct ReloadParameters {
    std::vector<std::string> modules;
    std::vector<std::string> plugins;

    static config::Settings<ReloadParameters> describe();
};

struct AutoReloadParameters {
    bool enabled = true;

    static config::Settings<AutoReloadParameters> describe();
};

// Lists, loads, unloads and reloads modules when it is called, and reloads plugins whose files have
// changed, if the settings say so. A file is reloaded when it has not changed for `quiet_time`,
// which excludes a file that is still being written. A file that could not be loaded is tried again
// when it changes.
//
// Records what the server does, for one client at a time; see Recording::take. The recording is
// dropped when no client asks about it for Recording::patience.
//
// Errors: `failed` with the loader's chain of reasons; `in_use` with the list of what still lives,
// or if another client records; `unknown_trace`.
class Manager final : public ModuleOf<ManagerSettings> {
public:
    static constexpr Duration quiet_time = std::chrono::seconds(1);

    using ModuleOf::ModuleOf;

    static ModuleDeclaration<Manager> declare();

    void begin() override;
    using ModuleOf::settings_changed;
    void settings_changed(const ManagerSettings& before) override;

private:
    std::vector<ManagedModule> modules() const;
    Task<Json> inspect(InspectParameters parameters, const Caller& client);
    Task<Json> routines(RoutinesParameters parameters, const Caller& caller);
    std::vector<ManagedSetting> module_settings(const SettingsParameters& parameters);
    ChangedSettings change(const ChangeSettingsParameters& parameters, const Caller& caller);
    Task<std::string> metrics(NoParameters parameters, const Caller& caller);
    Task<> long_turn(const Caller& caller);
    Task<> load_module(LoadParameters parameters);
    Task<> unload_module(UnloadParameters parameters);
    Task<> unload_or_begin(std::string module, bool force);
    Task<> reload_modules(ReloadParameters parameters);
    void auto_reload(const AutoReloadParameters& parameters);

    TraceStatus start_trace(const StartTraceParameters& parameters, const Caller& client);
    TraceStatus trace(const TraceParameters& parameters);
    Json take_trace(const TraceParameters& parameters);

    void watch_files(bool enabled);
    Task<> watch();
    Recording& recording(const std::string& id);
    Task<> watch_recording();

    Ref<Routine> watching_;
    std::optional<Recording> recording_;
    const Ref<LongWork> long_work_{new LongWork(scheduler())};
    Ref<Routine> watching_recording_;
};

}  // namespace weir
