#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/document/path.h"
#include "config/document/problems.h"
#include "config/settings/configuration.h"
#include "config/settings/name_in.h"
#include "core/base/ref.h"
#include "core/event/event_type.h"

namespace weir {

class AccessRules;
class ApiFunction;
struct ModuleClass;

/// Returns why a server with the rights of this process could not write the file, which may be made
/// then: "there is no folder /var/lib/shop"; "" if it could.
std::string why_not_writable(const std::string& file);

/// What a module may know of the whole app when its settings are checked, before anything starts:
/// which event types there will be, and which modules with which functions. See
/// ModuleDeclaration::checks().
///
/// Valid during the check only: it refers to plugins that may be closed afterwards.
class AppCheck {
public:
    using Modules = std::map<std::string, const ModuleClass*, std::less<>>;  // by name

    /// `module`: the name of the one that is checked, as the configuration gives it. `runs`:
    /// whether a server runs the app already, and reads its files again.
    AppCheck(std::string_view module, const config::Configuration& configuration,
             config::Problems& problems, config::Problems& warnings,
             std::vector<const EventType*> events, Modules modules, bool runs = false);

    /// Returns the settings of the module that is checked, and their place in the configuration.
    template <class S>
    S settings() const {
        config::Problems ignored;  // the check of all settings has said them
        return configuration_.read<S>(section_, ignored);
    }
    config::Path section() const { return section_; }

    const config::Configuration& configuration() const noexcept { return configuration_; }
    config::Problems& problems() const noexcept { return problems_; }
    /// Reports a mistake at the value at the path.
    void report(const config::Path& path, std::string what) const {
        configuration_.report(path, std::move(what), problems_);
    }
    /// The same for what this machine does not have, without which the module would not start, such
    /// as a file. In a server that runs already it is a warning: the module keeps what it has.
    void report_at_start(const config::Path& path, std::string what) const {
        configuration_.report(path, std::move(what), runs_ ? warnings_ : problems_);
    }
    /// The same for what is no mistake, but easy to miss: `weir check` shows it, the log of a
    /// server has it, and the app starts.
    void warn(const config::Path& path, std::string what) const {
        configuration_.report(path, std::move(what), warnings_);
    }

    /// Returns the roles of the app. Requires that its configuration of them has no mistake.
    Ref<AccessRules> roles() const;

    /// Returns the event type of that name, or null.
    const EventType* find_event(std::string_view name) const noexcept;
    /// The same; reports at the path if there is none.
    const EventType* require_event(std::string_view name, const config::Path& path) const;
    /// Returns the names of the types that are described: those that can be written as data.
    std::vector<std::string> described_events() const;
    /// Returns the module of that name if the app starts it; null otherwise.
    const ModuleClass* find_module(std::string_view name) const noexcept;
    /// Returns the names of the modules that the app starts.
    std::vector<std::string> module_names() const;
    /// Returns the function that a call of "target.name" reaches; the configuration may choose the
    /// module for an interface. Reports at the path, and returns null, if there is none.
    const ApiFunction* find_function(const std::string& target, const std::string& name,
                                     const config::Path& path) const;

    /// Reports at the path if what is written there is a name that the settings of the module do
    /// not have: for a parameter of the function "target...", or for a member of events of the
    /// type. `names` says what it names (config::name_in(), name_in_event()); null: nothing.
    void check_name(const std::string& target, const config::NameIn* names,
                    const config::Value& written, const config::Path& path) const;
    void check_name(const EventType& type, const config::NameIn* names,
                    const config::Value& written, const config::Path& path) const;

    /// Reports at the path what is wrong with a value, or with its names, for a parameter of the
    /// function "target..." of which `owner` describes all.
    void check_parameter(const std::string& target, const config::Description& owner,
                         const config::Setting& parameter, const config::Value& written,
                         const config::Path& path) const;
    /// The same for a value alone.
    void check_value(const config::Description& owner, const config::Setting& wanted,
                     const config::Value& written, const config::Path& path) const;
    /// Reports below the path, where the parameters of a call of "target..." are, those that the
    /// settings of what another parameter names do not allow: config::AllowedBy.
    void check_allowed(const std::string& target, const config::Description& parameters,
                       const std::map<std::string, config::Value>& written,
                       const config::Path& path) const;

private:
    std::string module_of(const std::string& target) const;
    void check_name_in(const std::vector<std::string>& modules, const config::NameIn* names,
                       const config::Value& written, const config::Path& path) const;

    const std::string section_;  // "module.NAME"
    const config::Configuration& configuration_;
    config::Problems& problems_;
    config::Problems& warnings_;
    const std::vector<const EventType*> events_;
    const Modules modules_;
    const bool runs_;
};

}  // namespace weir
