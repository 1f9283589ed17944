#pragma once

#include <string>
#include <vector>

#include "config/document/value.h"

namespace weir::config {

class Description;
struct Setting;

}  // namespace weir::config

namespace weir::http {

// Returns the JSON Schema of an object in a request or a response, as its members are described.
// `place`: the parts of the JSON pointer at which the schema will stand in its document.
config::Value request_schema(const config::Description& members,
                             const std::vector<std::string>& place);
// The same of one member, without its sentence.
config::Value request_schema(const config::Setting& member, const std::vector<std::string>& place);

}  // namespace weir::http
