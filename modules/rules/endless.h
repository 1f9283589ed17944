#pragma once

#include <map>
#include <string>

#include "config/document/path.h"
#include "modules/rules/program.h"

namespace weir {
class AppCheck;
}

namespace weir::rules {

// Warns of rules that never end: one sends an event on which it, or another such rule, acts, and no
// condition, pause or wait is between them. `programs`: by the names of the rules.
void warn_of_endless_rules(const AppCheck& app, const std::map<std::string, Program>& programs);

}  // namespace weir::rules
