#pragma once

#include <string>
#include <vector>

#include "config/document/value.h"
#include "config/settings/description.h"

namespace weir::config {

/// A setting that differs between two values of a described struct.
struct Change {
    std::string setting;  ///< "poll_interval", or "limits.per_key" in a nested struct
    bool fixed = false;   ///< it cannot change while the program runs
    Value before;         ///< as in a file; "(secret)" if it is secret
    Value after;
};

/// Returns "poll_interval: \"50ms\" -> \"1s\"". Of values that are too long for a line it says only
/// what differs, and of many differences the first: "rules: tell.do[0].log: \"a\" -> \"b\", ask
/// added, hear removed".
std::string to_text(const Change& change);

/// Returns the settings that differ, in the order of the description. Lists each setting of a
/// nested struct. Lists and maps are compared as a whole.
std::vector<Change> changes(const Description& description, const void* before, const void* after);

/// Gives `after` the values of `before` of all settings that cannot change while the program runs,
/// also of those in nested structs. Returns whether others differ still.
bool keep_fixed(const Description& description, const void* before, void* after);

template <Described S>
std::vector<Change> changes(const S& before, const S& after) {
    return changes(description_of<S>(), &before, &after);
}

}  // namespace weir::config
