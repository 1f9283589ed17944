#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/document/path.h"
#include "config/document/value.h"
#include "config/settings/description.h"
#include "modules/rules/names_in_scope.h"
#include "modules/rules/program.h"
#include "modules/rules/script.h"
#include "modules/rules/settings.h"
#include "modules/rules/shape.h"
#include "modules/rules/value.h"
#include "modules/system/module/app_check.h"

namespace weir::rules {

// Compiles values with references, choices of events and conditions, and reports their mistakes;
// see compile().
class ValueCompiler {
public:
    // Without an app, names of other modules are not looked up.
    explicit ValueCompiler(const AppCheck* app) : app_(app) {}

    const AppCheck* app() const noexcept { return app_; }
    NamesInScope& scope() noexcept { return scope_; }
    const NamesInScope& scope() const noexcept { return scope_; }
    // Returns whether a value refers to the time at which a run began.
    bool uses_now() const noexcept { return uses_now_; }

    // Throws std::invalid_argument without an app.
    void report(const config::Path& path, const std::string& what) const;

    Template value(const config::Value& written, const config::Path& path);
    Template text(std::string_view written, const config::Path& path);
    Shape shape(const Template& value) const;

    // Looks up a name that is written for a parameter or a member.
    using NameCheck =
        std::function<void(const config::Setting&, const config::Value&, const config::Path&)>;
    // An object of which each member fits the description, if that is known. `kind` is what the
    // members are: "parameter". `owner` is where a missing one is reported.
    Template object(const std::map<std::string, config::Value>& written,
                    const config::Description* wanted, std::string_view kind,
                    const config::Path& path, const config::Path& owner,
                    const NameCheck& check_name);
    // The check of names in members of events of the type.
    NameCheck names_in(const EventType* type) const;

    // The type is null if it is not known.
    EventChoice event(const TriggerSettings& written, const config::Path& path,
                      const EventType** type);
    // Returns the names that a script may use at this point.
    std::vector<Script::Name> names_for(std::string_view script, const config::Path& path);

    // Returns the type of that name, or reports that there is none, or that it is not described.
    const EventType* event_type(const std::string& name, const config::Path& path) const;

    Condition condition(const ConditionSettings& written, const config::Path& path);

private:
    Reference reference(std::string_view written, const config::Path& path);
    void check_path(const Reference& reference, const config::Path& path) const;
    void check_fits(const Template& value, const config::Value& written,
                    const config::Setting& wanted, const config::Description& owner,
                    const config::Path& path, const NameCheck& check_name);
    std::string describe(const Template& value) const;
    void add_test(Condition& condition, Condition::Operator what,
                  const std::optional<config::Value>& operand, const char* name,
                  const config::Path& path);
    void add_pattern(Condition& condition, const ConditionSettings& written,
                     const config::Path& path);

    const AppCheck* const app_;
    NamesInScope scope_;
    bool uses_now_ = false;
};

// Returns the path continued by a name, in which a dot is only a dot, or by a position in a list.
config::Path inside(config::Path path, std::string_view name);
config::Path inside(config::Path path, std::size_t index);

}  // namespace weir::rules
