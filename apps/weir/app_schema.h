#pragma once

#include <vector>

#include "config/settings/catalogue.h"
#include "modules/system/call/json.h"
#include "modules/system/module/module_class.h"

namespace weir::app {

// Returns the JSON Schema of an app file: that of the catalogue, and what these modules add to it.
// They may start, several modules may be made of each, and they bring kinds of queues. Of a module
// that is made under another name the schema knows only the nested form, in the file that says of
// which plugin it is made; it takes any name in `server.startup`.
Json app_schema(const config::Catalogue& catalogue, const std::vector<const ModuleClass*>& modules);

}  // namespace weir::app
