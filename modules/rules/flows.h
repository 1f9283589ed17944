#pragma once

#include <vector>

#include "modules/rules/settings.h"
#include "modules/system/module/module_class.h"

namespace weir::rules {

// Returns what the rules connect: each with the event that it is about, those for which it waits
// and that it sends, and the functions that it calls. Requires rules without mistakes.
std::vector<Flow> flows_of(const RulesSettings& settings);

}  // namespace weir::rules
