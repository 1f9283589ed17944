#pragma once

#include <string>
#include <vector>

#include "config/settings/changes.h"
#include "core/run/scheduler.h"

namespace weir {

// Logs what changed of the settings of a section: "module.post.stamps: 1 -> 4". A change of a fixed
// setting is a warning that says when it `takes_effect`: "when the server is started again".
void log_changes(const Scheduler& scheduler, const std::string& section,
                 const std::vector<config::Change>& changes, const std::string& takes_effect);

}  // namespace weir
