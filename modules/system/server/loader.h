#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/observe/snapshot.h"
#include "core/run/container.h"
#include "core/wait/future.h"
#include "modules/system/module/module.h"
#include "modules/system/server/fallback_calls.h"
#include "modules/system/server/module_finder.h"
#include "modules/system/server/server_settings.h"

namespace weir {

// A module could not be loaded, unloaded or reloaded; what() says why, with the chain of modules
// that the reason came through.
class LoadException : public std::runtime_error {
public:
    explicit LoadException(const std::string& what) : std::runtime_error(what) {}
    ~LoadException() override;
};

// Unloading was refused: what() lists what still lives.
class UnloadRefused : public LoadException {
public:
    UnloadRefused(const std::string& module, std::vector<std::string> living);
    ~UnloadRefused() override;

    const std::vector<std::string>& living() const noexcept { return living_; }

private:
    std::vector<std::string> living_;
};

// A module as listings show it.
struct ModuleInfo {
    std::string name;
    std::string sentence;
    ModuleState state = ModuleState::not_loaded;
    std::string reason;    // of its last change
    Time since{};          // of its last change
    bool by_name = false;  // it was asked for itself, not only needed by others
    bool service = false;
    std::vector<std::string> dependencies;
    std::vector<std::string> users;  // loaded modules that depend on it
    std::string file;                // of the plugin; "" if linked in
    std::size_t library = 0;         // bytes of the plugin in memory; 0 if linked in
    std::size_t calls = 0;           // under way in it
    // Of versions that were replaced and have not left yet: what of each still lives.
    std::vector<std::vector<std::string>> leaving;
};

// Loads, unloads and reloads modules while the server runs. Each module loads and unloads in a
// routine of the loader: whoever asked may go away without stopping that.
//
// All on the scheduler's thread; opening a plugin blocks it while the file is copied.
class Loader final : public Container {
public:
    Loader(Server& server, const Registry& registry);
    ~Loader() override;

    // Loads a module, and before it all that it depends on, side by side where that is possible.
    // Returns when it has succeeded, at once if it had before; throws LoadException if it, or what
    // it depends on, fails. One that failed before is tried again.
    Task<> load(std::string name);
    // Loads several modules side by side; throws LoadException with all failures.
    Task<> load_all(std::vector<std::string> names);

    // Unloads a module, and before it those that depend on it, and afterwards services that were
    // only there for it. New calls are refused; those that are under way get the module's
    // `drain_timeout` to end, then they are cancelled. Throws UnloadRefused, and leaves the module
    // running, if something holds it in use or its unload() does not end. If something else still
    // needs its code then, UnloadRefused lists what, the code stays, and unloading may be tried
    // again. With `force` nothing is waited for, and what needs the code is closed; what cannot be
    // is logged, and the code stays. Throws LoadException if it is not loaded.
    Task<> unload(std::string name, bool force = false);
    // All modules.
    Task<> unload_all(bool force = false);

    // Replaces the modules, and all that depend on them, by what their files are now, as one step.
    // The new versions load beside the old ones, which go on working; when all are ready, they
    // take the places of the old ones in one moment: new calls go to the new version, those that
    // are under way end in the old one, which then leaves. Of a module that hands over its state
    // (ModuleDeclaration::hands_over) the calls that are under way end first, and new ones wait.
    //
    // Throws LoadException if a new version cannot be opened, fails to load or refuses the state,
    // or calls do not end within the `drain_timeout`; then the old ones go on as if nothing had
    // happened. Returns when the new ones work; the old ones leave when they are idle.
    Task<> reload(std::vector<std::string> names);

    // Reads the settings of the loaded modules again. Those that may change while they run do.
    void settings_changed();

    // To be called before each run of the scheduler.
    void begin() { fallback_.begin(); }

    // The module that runs under the name, or for the interface; null if none does.
    Module* find(std::string_view name) const;
    ModuleState state(std::string_view name) const;
    // All modules that have been loaded or tried, by name.
    std::vector<ModuleInfo> modules() const;
    // The module that the routine belongs to: it owns it, or its code started it; "" if none does.
    std::string module_of(const RoutineInfo& routine) const;
    // The module that the queue belongs to: it has added it, or brings the events that the queue is
    // for; "" if none does.
    std::string module_of(const Queue& queue) const;
    std::string module_of(const Routine& routine) const;
    // From which level on is written what the module logs, and what is logged in routines that
    // belong to it; "": what belongs to no module.
    LogLevel log_level(std::string_view name) const;
    // Loaded modules of which the plugin's file is another now.
    std::vector<std::string> changed_files() const;

    ModuleFinder& finder() noexcept { return finder_; }

private:
    friend class FallbackCalls;

    // One version of a module, and what it needs.
    struct Version {
        std::string name;
        FoundModule found;
        CommonModuleSettings common;
        std::vector<std::string> dependencies;  // resolved; of a module that is there
        std::unique_ptr<Module> module;
        Ref<Holds> holds;  // the module's
    };
    struct Entry : Version {
        ModuleState state = ModuleState::not_loaded;
        std::string reason;
        Time since{};                     // of the last change
        std::optional<Future<>> loading;  // while it does
        std::optional<Future<>> unloading;
        bool by_name = false;
        bool reloading = false;
    };
    // A version that is to take the place of the one in the entry.
    struct Successor : Version {
        Entry* entry = nullptr;
        const Handover* gives = nullptr;  // how the old one hands its state over; null: it does not
        const Handover* takes = nullptr;
        std::shared_ptr<void> state;
        bool has_state = false;  // given by the old one, and not taken yet
        bool took = false;
    };
    using Successors = std::vector<std::unique_ptr<Successor>>;
    // A version that was replaced, until nothing needs it.
    struct Leaving : Version {
        bool at_once = false;  // whatever it is doing
        Ref<Routine> routine;  // that waits for it
    };
    using Names = std::vector<std::string>;

    Entry& entry(const std::string& name);
    const Entry* find_entry(std::string_view name) const noexcept;
    bool is_there(const Entry& e) const noexcept;
    Names users_of(const std::string& name) const;
    Names with_all_users(const Names& names) const;
    bool is_service(const Entry& e) const noexcept;
    LogLevel log_level(const Version& version) const noexcept;
    std::string module_of(const Container* container, const std::source_location& started_at) const;

    Task<> change_state(Entry& e, ModuleState state, std::string reason);

    Task<> ensure_loaded(std::string name, std::string reason);
    Task<std::string> try_load(std::string name, std::string reason);
    Task<> run_load(Entry& e, std::string reason);
    Task<> load_dependencies(Entry& e);
    Task<> bring_up(Entry& e, std::string reason);
    void make_module(Version& version);
    Names resolved_dependencies(const ModuleClass& type);
    std::shared_ptr<void> read_settings(const ModuleClass& type) const;

    Task<> ensure_unloaded(std::string name, std::string reason, bool force);
    Task<std::string> try_unload(std::string name, std::string reason, bool force);
    Task<> run_unload(Entry& e, std::string reason, bool force);
    Task<> unload_users(Entry& e, bool force);
    Task<> take_down(Entry& e, bool force);
    Task<> end_calls(Entry& e);
    Task<> end_leaving(Entry& e, bool force);
    Task<> destroy(Version& version);
    Task<> let_go(Version& version, bool force, std::string& kept);
    Task<> drain(Version& version, bool force);
    Names living_of(const Version& version) const;
    // Says what keeps the library in memory; "" if it has left.
    std::string close_library(std::shared_ptr<PluginLibrary> library);
    void unload_unused_services();

    Task<> run_reload(Names names);
    Successors open_successors(const Names& names);
    Task<> replace(Successors& successors);
    Task<> bring_up(Successor& successor, const Names& together);
    static void agree_on_state(Successor& successor);
    Task<> end_calls_before_handover(Successors& successors);
    static void hand_over(Successors& successors);
    static void hand_back(Successors& successors) noexcept;
    void take_places(Successors& successors);
    Task<> discard(Successors& successors);
    void begin_leaving(Leaving& leaving);
    Task<> unload_leaving(Leaving& leaving);
    Task<> leave(Leaving& leaving);
    Task<> wait_for_leaving(Leaving& leaving, std::function<bool()> holds);

    Server& server_;
    ModuleFinder finder_;
    std::map<std::string, Entry, std::less<>> entries_;
    bool reloading_ = false;
    std::list<Leaving> leaving_;
    std::vector<std::shared_ptr<PluginLibrary>> pinned_;  // of which something still lives
    FallbackCalls fallback_;
};

}  // namespace weir
