#pragma once

#include <nlohmann/json_fwd.hpp>

namespace weir {

/// JSON as it comes from and goes to the outside. This header only names the type; code that
/// looks into a value includes json.h.
using Json = nlohmann::json;

}  // namespace weir
