#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "config/document/limits.h"
#include "config/document/problems.h"
#include "config/document/value.h"
#include "config/text/position.h"

namespace weir::config {

/// Reads one JSON text into a tree in which every value and every name has its position.
///
/// Besides JSON, accepts `//` and `/* */` comments between tokens, and a byte order mark at the
/// beginning. Requires UTF-8. Reading stops at the first syntax error and at an exceeded limit.
/// Duplicate names in an object are all reported, and the first one counts. Returns what was read
/// so far, so that it can be checked as well.
///
/// Returns nothing if there is no value; a problem then tells why.
///
/// Throws nothing but std::bad_alloc. Thread-safe, unless another thread calls setlocale()
/// meanwhile.
std::optional<Value> read_document(std::string_view text, std::shared_ptr<const Source> source,
                                   Allowance& allowance, Problems& problems);

}  // namespace weir::config
