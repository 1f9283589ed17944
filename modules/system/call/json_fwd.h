#pragma once

#include <nlohmann/json_fwd.hpp>

namespace weir {

/// JSON as weir reads and writes it. This header only names the type; code that
/// looks into a value includes json.h.
using Json = nlohmann::json;

}  // namespace weir
