#pragma once

#include <string>

#include "config/document/value.h"
#include "modules/system/module/app_check.h"

namespace weir::rules {

// Says which rules an event would let run, and what they would do, without doing it: text for
// people. The event is {"type": "shop.Order", "event": {...}}, as `weir watch` prints it. Throws
// ApiException with `bad_event` or `unknown_event`.
std::string rehearse_rules(const AppCheck& app, const config::Value& input);

}  // namespace weir::rules
