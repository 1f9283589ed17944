#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "config/document/path.h"
#include "config/document/value.h"

namespace weir::config {

/// Where a fragment comes from.
struct Origin {
    std::size_t order;  ///< of its layer: a later one wins
    Path base;          ///< the section's name there: "module.lock" or "module.default"
};

/// What one layer says about one setting.
///
/// A name in a file may be a dotted path. `rest` is the part of it below the setting: at `server`,
/// the member `"server.poll.interval": 1` is a fragment with the rest "poll.interval", and means
/// the object {"poll": {"interval": 1}}.
///
/// Refers to the layers, which must outlive it.
struct Fragment {
    const Value* value;
    const Position* name_position;
    std::string_view rest;
    const Origin* origin;

    /// Returns the value if it belongs to the setting itself, not to a setting below it; else null.
    const Value* plain() const { return rest.empty() ? value : nullptr; }
    bool is_object() const { return !rest.empty() || value->is_object(); }
    bool failed() const { return value->substitution && value->substitution->failed; }
    /// The same, or a value within it has failed.
    bool failed_inside() const;
};

/// What all layers say about one setting, lowest layer first. The setting's type decides which
/// fragment wins, or how to merge them. Layers are therefore not merged beforehand.
using Fragments = std::vector<Fragment>;
using NamedFragments = std::map<std::string_view, Fragments>;

/// Returns the members of all objects among the fragments, by name. A dot in a name separates a
/// setting from the settings below it. Skips fragments that are not objects.
NamedFragments settings_in(const Fragments& fragments);

/// The same for user-chosen names, as in a map: a dot in a member's name is part of the name. In
/// the rest of a dotted path, the first part is the name.
NamedFragments entries_in(const Fragments& fragments);

/// Returns what the layers say at `path` below the fragments, nested or dotted.
Fragments find(const Fragments& fragments, const Path& path);

/// Returns the fragments merged into one value: all entries of objects, otherwise the last value.
/// Returns nothing if there are no fragments.
std::optional<Value> merged(const Fragments& fragments);

}  // namespace weir::config
