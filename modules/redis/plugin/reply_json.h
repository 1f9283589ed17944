#pragma once

#include "config/document/value.h"
#include "modules/redis/reply.h"
#include "modules/system/call/json_fwd.h"

namespace weir::redis {

// Returns a reply as JSON that keeps its types: nil is null, a map an object. An error within a
// list is {"error": TEXT}. Throws ApiException with `not_text` if there is a text that is not
// UTF-8.
Json json_of(const Reply& reply);

// Returns a text as it is, and any other JSON as JSON text.
std::string argument_text(const config::Value& value);

}  // namespace weir::redis
