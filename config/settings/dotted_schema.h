#pragma once

#include "config/document/value.h"

namespace weir::config {

/// Makes a JSON Schema take dotted names: where it takes {"a": {"b": 1}}, also {"a.b": 1}. They
/// become pattern properties, for editors do not offer those where they complete names.
void add_dotted_names(Value& schema);

}  // namespace weir::config
