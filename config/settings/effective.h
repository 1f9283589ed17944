#pragma once

#include <string>
#include <vector>

#include "config/document/value.h"
#include "config/settings/configuration.h"
#include "config/settings/description.h"

namespace weir::config {

/// A setting as a program reads it, and where its value comes from.
struct EffectiveSetting {
    std::string path;   ///< "server.log.level", `module.lock.contexts["db.main"].max_waiters`
    Value value;        ///< as in a file; "(secret)" if it is secret
    Position position;  ///< where the value is given; no source: it is the default
    /// The environment variables that are named there, whether or not they are set.
    std::vector<std::string> variables;
};

/// Returns the settings of a section of the configuration, in the order of the description: one for
/// each member of a nested struct, and for each entry of a map. A list is one setting. Requires
/// that the section was checked.
std::vector<EffectiveSetting> effective_settings(const Configuration& configuration,
                                                 std::string_view section,
                                                 const Description& description);

}  // namespace weir::config
