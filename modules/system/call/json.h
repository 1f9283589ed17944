#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "config/document/value.h"
#include "config/settings/type.h"
#include "modules/system/call/json_fwd.h"

namespace weir {

/// Returns the same content in the other form. Throws ApiException with `bad_parameter` if lists
/// and objects are nested more than 64 deep.
config::Value value_of(const Json& json);
Json json_of(const config::Value& value);
/// Reads text in JSON from outside; "" is null. Throws ApiException with `bad_parameter`, also for
/// what is nested more than 64 deep.
Json parse_json(std::string_view text);
/// Returns a value of the described type.
Json json_from(const config::Type& type, const void* value);

}  // namespace weir
