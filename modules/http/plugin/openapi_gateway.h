#pragma once

namespace weir {

class Api;

}  // namespace weir

namespace weir::http {

namespace openapi_parts {

class Paths;

}  // namespace openapi_parts

// Adds the paths that the gateway has of itself. `lock`: the functions of the locks; null: there
// are no locks.
void add_gateway(openapi_parts::Paths& paths, const Api* lock);

}  // namespace weir::http
