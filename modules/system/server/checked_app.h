#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/document/problems.h"
#include "config/settings/configuration.h"
#include "modules/system/module/app_check.h"
#include "modules/system/module/module_class.h"
#include "modules/system/server/module_finder.h"
#include "modules/system/server/server_settings.h"

namespace weir::config {
class Catalogue;
}

namespace weir {

// An app: its configuration after it was checked, the server's settings in it, and the plugins that
// were opened for checking. A server that is made from it opens none of these again.
class CheckedApp {
public:
    // Checks the configuration and reports all that is wrong with it, as far as it can be known
    // without starting: also unknown modules, dependency cycles, unknown event types. Opens the
    // plugins. If there are problems, nothing else of the object may be used but its warnings.
    CheckedApp(config::Configuration configuration, Registry registry, config::Problems& problems);

    // The same, but throws std::invalid_argument with all problems if there are some.
    static CheckedApp require(config::Configuration configuration, Registry registry);
    // The same for an app that runs, whose configuration changes. `loaded`: its modules whose
    // plugins are in memory. They are not opened again unless their files have changed: copying and
    // checking all would hold up the loop.
    static CheckedApp require_change(config::Configuration configuration, Registry registry,
                                     std::vector<FoundModule> loaded);

    // Returns whether there were no problems.
    bool sound() const noexcept { return sound_; }
    // Returns what modules say is easy to miss, and no mistake.
    const config::Problems& warnings() const noexcept { return warnings_; }
    const config::Configuration& configuration() const noexcept { return configuration_; }
    const ServerSettings& settings() const noexcept { return settings_; }
    const Registry& registry() const noexcept { return registry_; }
    // The event types of `server.events`. They stay where they are when the app moves.
    const JsonEventTypes& event_types() const noexcept { return event_types_; }
    ModuleFinder& finder() noexcept { return finder_; }
    const ModuleFinder& finder() const noexcept { return finder_; }

    // Returns the sections of the server and of the modules that the app starts, with what is
    // described there. Requires that no module was opened; valid until one is.
    config::Catalogue running_sections() const;

    // Opens the module: takes that which was opened for checking, unless its file has changed
    // since. Throws as ModuleFinder::open, and LoadException if the module brings an event type
    // that the configuration declares.
    FoundModule open(const std::string& name);
    // Closes the plugins that were opened for checking and not taken.
    void close_untaken() noexcept { opened_.clear(); }

    // What the app would do, for tools that start nothing. Require that no plugin was taken or
    // closed.
    // Returns what the module says it would do with an input. Throws ApiException if the app does
    // not start it, if it cannot tell, and what it throws for a wrong input.
    std::string rehearse(const std::string& module, const config::Value& input) const;
    // Returns what the settings of all modules of the app connect.
    std::vector<Flow> flows() const;

    // Takes over of another configuration what may change while a server runs: the settings of
    // modules, `server.startup`, `server.users`, `server.roles` and `server.log`, but for its fixed
    // settings.
    void change_to(CheckedApp changed);

private:
    // Of an app that runs: its loaded modules.
    using Loaded = std::optional<std::vector<FoundModule>>;

    CheckedApp(config::Configuration configuration, Registry registry, config::Problems& problems,
               Loaded loaded);
    void check(config::Problems& problems, Loaded loaded);
    // Returns a type of the module that server.events declares too, or null.
    const EventType* declared_twice(const ModuleClass& module) const;
    FoundModule open_or_take(const std::string& name);
    void check_users(config::Problems& problems) const;
    void check_roles();
    void check_modules(config::Problems& problems);
    void warn_of_unstarted(const ModuleFinder& finder);
    AppCheck as_module_sees_it(const std::string& module, config::Problems& problems,
                               config::Problems& warnings) const;

    config::Configuration configuration_;
    Registry registry_;
    ServerSettings settings_;
    JsonEventTypes event_types_;
    ModuleFinder finder_;
    std::map<std::string, FoundModule> opened_;
    std::vector<std::string> started_;  // the modules that the app starts, with all they need
    bool runs_ = false;                 // while it was checked
    config::Problems warnings_;
    bool sound_ = false;
};

}  // namespace weir
