#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "core/run/container.h"
#include "core/wait/condition.h"
#include "core/wait/future.h"
#include "modules/system/module/module.h"
#include "modules/system/server/module_finder.h"
#include "modules/system/server/server_settings.h"

namespace weir {

// One version of a module, and what it needs. The members are destroyed in the order that code and
// data need: the module before its library.
struct ModuleVersion {
    std::string name;
    FoundModule found;
    CommonModuleSettings common;
    std::vector<std::string> dependencies;  // resolved, not optional; of a module that exists
    std::unique_ptr<Module> module;
    Ref<Holds> holds;  // the module's
};

// How often a module has changed since the server started.
struct ModuleChanges {
    std::uint64_t loaded = 0;
    std::uint64_t failed = 0;  // to load
    std::uint64_t reloaded = 0;
    std::uint64_t unloaded = 0;
};

// A module that was loaded or tried.
struct ModuleEntry : ModuleVersion {
    ModuleState state = ModuleState::not_loaded;
    std::string reason;
    Time since{};  // of the last change
    ModuleChanges changes;
    std::optional<Future<>> loading;  // while it loads
    std::optional<Future<>> unloading;
    bool by_name = false;
    bool reloading = false;

    // Whether there is anything to unload.
    bool exists() const noexcept {
        return state != ModuleState::not_loaded && state != ModuleState::unloaded;
    }
    bool is_service() const noexcept {
        return found && common.service.value_or(found.type->service);
    }
};

// A version that was replaced, until nothing needs it any more.
struct LeavingVersion : ModuleVersion {
    bool at_once = false;  // whatever it is doing
    Ref<Routine> routine;  // that waits for it
};

// The modules of a server. It holds their libraries, and therefore outlives the scheduler, in which
// something of a module may be left when the program ends.
class ModuleTable {
public:
    using Names = std::vector<std::string>;
    using Entries = std::map<std::string, ModuleEntry, std::less<>>;

    Entries entries;
    std::list<LeavingVersion> leaving;
    std::vector<std::shared_ptr<PluginLibrary>> pinned;  // something of each still lives
    bool reloading = false;                              // modules are being reloaded
    Condition reloaded;                                  // a reload has ended
    Condition left;                                      // an old version has left

    // The entry, made if there is none.
    ModuleEntry& entry(const std::string& name);
    const ModuleEntry* find(std::string_view name) const noexcept;
    // Whether other versions of modules are made of the version's library: it stays for them.
    bool shares_library(const ModuleVersion& version) const noexcept;
    // Tells the modules that depend on the module, but can do without, whether it is there.
    void tell_optional_users(const ModuleEntry& entry);

    // The modules that depend on the module.
    Names users_of(const std::string& name) const;
    // The modules with all that depend on them, sorted.
    Names with_all_users(const Names& names) const;
    bool has_old_version(std::string_view name) const noexcept;

    // The module that owns the container or whose code is at the place; "" if none.
    std::string module_of(const Container* container, const std::source_location& started_at) const;
    // The module that has added the queue, or brings the events that the queue is for; "" if none.
    std::string module_of(const Queue& queue) const;

    // Destroys all modules, and keeps their libraries. Users before those that they depend on.
    void destroy_modules() noexcept;
};

// Changes the state, logs that, tells modules that can do without the module, and sends a
// ModuleStateEvent. Throws std::logic_error if the module may not change to that state:
// may_change().
Task<> change_state(Scheduler& scheduler, ModuleTable& table, ModuleEntry& entry, ModuleState state,
                    std::string reason);

}  // namespace weir
