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
    Path base;          ///< the section as it is named there: "module.lock" or "module.default"
};

/// What one layer says about one setting.
///
/// A name in a file may be a dotted path. What of it lies below the setting is `rest`: at
/// `server`, the member `"server.poll.interval": 1` is a fragment with the rest "poll.interval",
/// and means the object {"poll": {"interval": 1}}.
///
/// Refers to the layers, which must outlive it.
struct Fragment {
    const Value* value;
    const Position* name_position;
    std::string_view rest;
    const Origin* origin;

    /// The value, if it is the setting's own and not of something below it.
    const Value* plain() const { return rest.empty() ? value : nullptr; }
    bool is_object() const { return !rest.empty() || value->is_object(); }
    bool failed() const { return value->substitution && value->substitution->failed; }
};

/// What all layers say about one setting, in rising order. Which of them counts, or how they are
/// put together, is decided by the setting's type: this is why layers are not merged before.
using Fragments = std::vector<Fragment>;
using NamedFragments = std::map<std::string_view, Fragments>;

/// The members of all objects among the fragments, by name, where a dot in a name separates a
/// setting from what lies below it. Fragments that are no objects are passed over.
NamedFragments settings_in(const Fragments& fragments);

/// The same where names are free, as in a map: a dot in a member's name is part of the name. Only
/// of what is left of a dotted path, the first part is the name.
NamedFragments entries_in(const Fragments& fragments);

/// What the layers say below the fragments at `path`, however its names are written.
Fragments find(const Fragments& fragments, const Path& path);

/// The fragments put together to one value: of objects, all entries; of anything else, the last.
/// Nothing if there are no fragments.
std::optional<Value> merged(const Fragments& fragments);

}  // namespace weir::config
