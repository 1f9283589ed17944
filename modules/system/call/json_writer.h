#pragma once

#include <string>

#include "modules/system/call/json_fwd.h"

namespace weir {

/// Returns the value as text, without blanks, byte for byte as Json::dump() writes it. Bytes that
/// are no UTF-8 are replaced by U+FFFD. Makes no serializer, as dump() does, which takes longer
/// than most results.
std::string json_text(const Json& json);

}  // namespace weir
