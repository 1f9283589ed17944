#pragma once

#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/container.h"
#include "core/future.h"
#include "modules/module.h"
#include "modules/module_finder.h"
#include "modules/server_settings.h"
#include "modules/unclaimed_calls.h"

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
    bool by_name = false;  // it was asked for itself, not only needed by others
    bool service = false;
    std::vector<std::string> dependencies;
    std::vector<std::string> users;  // loaded modules that depend on it
    std::string file;                // of the plugin; "" if linked in
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
    // only there for it. Throws UnloadRefused, and leaves all as it is, if something holds it in
    // use; with `force` it goes nevertheless. Throws LoadException if it is not loaded.
    Task<> unload(std::string name, bool force = false);
    // All modules.
    Task<> unload_all(bool force = false);

    // Unloads the modules with all that depend on them, and loads them all again, from files as
    // they are now. Calls to them wait meanwhile. If a new version cannot be opened nothing is
    // changed; if it fails to load, the old one runs again and LoadException is thrown.
    Task<> reload(std::vector<std::string> names);

    // Reads the settings of the loaded modules again. Those that may change while they run do.
    void settings_changed();

    // To be called before each run of the scheduler.
    void begin() { unclaimed_.begin(); }

    // The module that runs under the name, or for the interface; null if none does.
    Module* find(std::string_view name) const;
    ModuleState state(std::string_view name) const;
    // All modules that have been loaded or tried, by name.
    std::vector<ModuleInfo> modules() const;
    // Loaded modules of which the plugin's file is another now.
    std::vector<std::string> changed_files() const;

    ModuleFinder& finder() noexcept { return finder_; }

private:
    friend class UnclaimedCalls;

    struct Entry {
        std::string name;
        ModuleState state = ModuleState::not_loaded;
        std::string reason;
        FoundModule found;
        CommonModuleSettings common;
        std::unique_ptr<Module> module;
        std::vector<std::string> dependencies;  // resolved; of a module that is there
        std::optional<Future<>> loading;        // while it does
        std::optional<Future<>> unloading;
        bool by_name = false;
        bool reloading = false;
    };
    using Names = std::vector<std::string>;

    Entry& entry(const std::string& name);
    const Entry* find_entry(std::string_view name) const noexcept;
    bool is_there(const Entry& e) const noexcept;
    Names users_of(const std::string& name) const;
    Names with_all_users(const Names& names) const;
    bool is_service(const Entry& e) const noexcept;

    Task<> change_state(Entry& e, ModuleState state, std::string reason);

    Task<> ensure_loaded(std::string name, std::string reason);
    Task<std::string> try_load(std::string name, std::string reason);
    Task<> run_load(Entry& e, std::string reason);
    Task<> load_dependencies(Entry& e);
    Task<> bring_up(Entry& e, std::string reason);
    void make_module(Entry& e);
    std::shared_ptr<void> read_settings(const ModuleClass& type) const;

    Task<> ensure_unloaded(std::string name, std::string reason, bool force);
    Task<std::string> try_unload(std::string name, std::string reason, bool force);
    Task<> run_unload(Entry& e, std::string reason, bool force);
    Task<> unload_users(Entry& e, bool force);
    Task<> take_down(Entry& e, bool force);
    Task<> let_go(Entry& e, bool force);
    Task<> drain(Entry& e, bool force);
    Names living_of(const Entry& e) const;
    void close_library(std::shared_ptr<PluginLibrary> library);
    void unload_unused_services();

    Task<> run_reload(Names names);
    Task<> swap(Names names, std::map<std::string, FoundModule>& fresh,
                std::map<std::string, FoundModule>& old);
    Task<std::string> load_again(Names names);
    Task<std::string> unload_for_reload(Names names, bool force);

    Server& server_;
    ModuleFinder finder_;
    std::map<std::string, Entry, std::less<>> entries_;
    bool reloading_ = false;
    std::vector<std::shared_ptr<PluginLibrary>> pinned_;  // of which something still lives
    UnclaimedCalls unclaimed_;
};

}  // namespace weir
