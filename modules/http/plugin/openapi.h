#pragma once

#include <string>
#include <vector>

#include "config/document/value.h"

namespace weir {

class Module;

}  // namespace weir

namespace weir::http {

// Returns the OpenAPI 3.1 document of the gateway: the functions of the modules at /call, from
// their own descriptions, and what the gateway itself has.
config::Value openapi(const std::vector<const Module*>& modules);

}  // namespace weir::http
