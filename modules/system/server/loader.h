#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/observe/snapshot.h"
#include "core/run/container.h"
#include "modules/system/server/fallback_calls.h"
#include "modules/system/server/load.h"
#include "modules/system/server/load_error.h"
#include "modules/system/server/loader_parts.h"
#include "modules/system/server/module_table.h"
#include "modules/system/server/old_versions.h"
#include "modules/system/server/release.h"
#include "modules/system/server/unload.h"

namespace weir {

// A module as listings show it.
struct ModuleInfo {
    std::string name;
    std::string plugin;   // that it is made of; "" if it is not in memory
    std::string version;  // of its API; "" if it is not in memory
    std::string sentence;
    ModuleState state = ModuleState::not_loaded;
    std::string reason;  // of its last change
    Time since{};        // of its last change
    ModuleChanges changes = {};
    bool by_name = false;  // it was loaded for itself, not only as a dependency
    bool service = false;
    std::vector<std::string> dependencies;
    std::vector<std::string> uses;   // modules that it can do without
    std::vector<std::string> users;  // loaded modules that depend on it
    std::string file;                // of the plugin; "" if linked in
    std::size_t library = 0;         // bytes of the plugin in memory; 0 if linked in
    std::size_t calls = 0;           // under way in it
    // For each version that was replaced and has not left yet: what of it still lives.
    std::vector<std::vector<std::string>> leaving;
};

// Loads, unloads and reloads modules while the server runs. Each module loads and unloads in a
// routine of the loader: a caller that is closed does not stop that.
//
// All on the scheduler's thread; opening a plugin blocks it while the file is copied and checked.
class Loader final : public Container {
public:
    // All must outlive the loader; the table must outlive the scheduler, too.
    Loader(Scheduler& scheduler, Server& server, CheckedApp& app, ConfiguredQueues& queues,
           ModuleTable& table);
    ~Loader() override;

    // Loads a module, and before it all that it depends on, side by side where that is possible.
    // Returns when it has succeeded, at once if it had before; throws LoadException if it, or what
    // it depends on, fails. A module that failed before is tried again.
    Task<> load(std::string name);
    // Loads several modules side by side; throws LoadException with all failures. `reason` is
    // logged.
    Task<> load_all(std::vector<std::string> names, std::string reason = "asked for");

    // Unloads a module, and before it those that depend on it, and afterwards services that were
    // only there for it. New calls are refused; those that are under way get the module's
    // `drain_timeout` to end, then they are cancelled. Throws UnloadRefused, and leaves the module
    // running, if something holds it in use or its unload() neither ends nor commits. If something
    // else still needs its code then, UnloadRefused lists what, the code stays, and unloading may
    // be tried again. With `force` nothing is waited for, and what needs the code is closed; what
    // cannot be is logged, and the code stays. Throws LoadException if it is not loaded.
    Task<> unload(std::string name, bool force = false);
    // The same for a module that unloads itself, in a call that must end first: returns when the
    // module is about to unload, and throws UnloadRefused if something holds it in use. A failure
    // after that is logged.
    void begin_unload(std::string name, bool force = false);
    // Unloads all modules.
    Task<> unload_all(bool force = false);

    // Replaces the modules, and all that depend on them, by what their files are now, as one step.
    // The new versions load beside the old ones, which go on working; when all are ready, they
    // take the places of the old ones in one moment: new calls go to the new version, those that
    // are under way end in the old one, which then leaves. For a module that hands over its state
    // (ModuleDeclaration::hands_over) the calls that are under way end first, and new ones wait.
    //
    // Throws LoadException if a new version cannot be opened, fails to load or refuses the state,
    // or calls do not end within the `drain_timeout`; then the old ones go on as if nothing had
    // happened. Returns when the new ones work; the old ones leave when they are idle.
    Task<> reload(std::vector<std::string> names);

    // Reads the settings of the loaded modules again. Those that may change while they run do, and
    // the modules read again the files that they name.
    void settings_changed();

    // To be called before each run of the scheduler.
    void begin() { fallback_.begin(); }

    // The module that runs under the name, or for the interface; null if none does.
    Module* find(std::string_view name) const;
    ModuleState state(std::string_view name) const;
    // Whether a module takes calls of functions of its own.
    bool has_functions() const noexcept;
    // All modules that have been loaded or tried, by name.
    std::vector<ModuleInfo> modules() const;
    // The module that the routine belongs to: it owns it, or its code started it; "" if none does.
    std::string module_of(const RoutineInfo& routine) const;
    std::string module_of(const Routine& routine) const;
    // The module that the queue belongs to: it has added it, or brings the events that the queue is
    // for; "" if none does.
    std::string module_of(const Queue& queue) const { return parts_.table.module_of(queue); }
    // The level from which on is written what the module logs, and what is logged in routines that
    // belong to it; "": what belongs to no module.
    LogLevel log_level(std::string_view name) const;
    // The loaded modules that are made of the plugin.
    std::vector<std::string> modules_of_plugin(std::string_view plugin) const;
    // The loaded modules whose plugin's file is another now.
    std::vector<std::string> changed_files() const;

    ModuleFinder& finder() noexcept { return parts_.app.finder(); }

private:
    Task<> run_reload(std::vector<std::string> names);
    Task<> unload_and_log(std::string name, bool force);
    LogLevel log_level(const ModuleVersion& version) const noexcept;
    void change_settings(ModuleEntry& entry);
    void read_files_again(ModuleEntry& entry);

    FallbackCalls fallback_;
    LoaderParts parts_;
    Release release_;
    OldVersions old_versions_;
    Unload unload_;
    Load load_;
};

}  // namespace weir
