#pragma once

#include <string>
#include <vector>

#include "config/settings/checked_type.h"
#include "config/settings/composite_types.h"

namespace weir::config {

/// As the check of a string: says that it is a name out of a map of the module's settings. For
/// parameters of the module's functions and members of its events:
///
///     setting("command", &RunParameters::command, "Which").check(NameIn{"command", "commands"})
///
/// Any text is read, because settings change; the function refuses a name that is not there then.
/// A name that a configuration gives is looked up when that is checked, as in the steps of rules:
/// see AppCheck::check_name().
struct NameIn {
    std::string kind;  ///< what it names, for messages: "command"
    std::string map;   ///< the setting that has the names: "commands"

    std::string operator()(const std::string&) const { return ""; }
};

/// Returns what the values of the type name; null if they are no names.
inline const NameIn* name_in(const Type& type) noexcept {
    const auto* const optional = dynamic_cast<const OptionalType<std::string>*>(&type);
    const auto* const checked = dynamic_cast<const CheckedType<std::string>*>(
        optional == nullptr ? &type : &optional->inner());
    return checked == nullptr ? nullptr : checked->check().target<NameIn>();
}

/// As the check of a list: says that a call may only give it if the settings of what another
/// parameter names allow it:
///
///     setting("arguments", &RunParameters::arguments, "More of them")
///         .check(AllowedBy{"command", "commands", "arguments"})
///
/// The function refuses it else, and AppCheck::check_allowed() finds it in a configuration.
struct AllowedBy {
    std::string parameter;  ///< the parameter that is a name: "command"
    std::string map;        ///< the setting that has the names: "commands"
    std::string setting;    ///< which is true in the settings of that name: "arguments"

    std::string operator()(const std::vector<std::string>&) const { return ""; }
};

/// Returns what has to allow values of the type; null: nothing.
inline const AllowedBy* allowed_by(const Type& type) noexcept {
    const auto* const checked = dynamic_cast<const CheckedType<std::vector<std::string>>*>(&type);
    return checked == nullptr ? nullptr : checked->check().target<AllowedBy>();
}

}  // namespace weir::config
