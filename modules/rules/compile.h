#pragma once

#include <string>

#include "config/document/path.h"
#include "modules/rules/program.h"
#include "modules/rules/settings.h"
#include "modules/system/module/app_check.h"

namespace weir::rules {

// Makes a program of the settings of a rule.
//
// With an app, reports every mistake to it: also names of events, members, modules, functions and
// parameters that there are not, and values that do not fit. The program must not be used if there
// was one. Without an app, names of other modules are not looked up, and the first mistake is
// thrown as std::invalid_argument.
Program compile(const std::string& name, const RuleSettings& settings, const AppCheck* app);

}  // namespace weir::rules
