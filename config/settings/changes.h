#pragma once

#include <string>
#include <vector>

#include "config/document/value.h"
#include "config/settings/description.h"

namespace weir::config {

/// A setting that two values of a described struct give different values.
struct Change {
    std::string setting;  ///< "poll_interval", or "limits.per_key" in a struct within the struct
    bool fixed = false;   ///< it cannot change while the program runs
    Value before;         ///< as in a file; "(secret)" if that is what it is
    Value after;
};

/// "poll_interval: \"50ms\" -> \"1s\""
std::string to_text(const Change& change);

/// The settings that differ, in the order of the description. Of structs that are members, each
/// setting; of lists and maps, no more than that they differ.
std::vector<Change> changes(const Description& description, const void* before, const void* after);

template <Described S>
std::vector<Change> changes(const S& before, const S& after) {
    return changes(description_of<S>(), &before, &after);
}

}  // namespace weir::config
