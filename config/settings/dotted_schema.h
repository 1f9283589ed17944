#pragma once

#include "config/document/value.h"

namespace weir::config {

/// Makes a JSON Schema accept dotted names: {"a.b": 1} wherever it accepts {"a": {"b": 1}}. They
/// are pattern properties, because editors do not offer those for completion.
void add_dotted_names(Value& schema);

}  // namespace weir::config
