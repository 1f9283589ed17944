#pragma once

#include <vector>

#include "config/document/value.h"
#include "modules/http/plugin/settings.h"

namespace weir {

class Module;

}  // namespace weir

namespace weir::http {

// Returns the OpenAPI 3.1 document of the gateway: the functions of the modules at /call, the
// routes that call one of them, all from the functions' own descriptions, and what the gateway
// itself has; locks only if the modules have them.
config::Value openapi(const std::vector<const Module*>& modules,
                      const std::vector<RouteSettings>& routes);

}  // namespace weir::http
