#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "config/document/limits.h"
#include "config/document/problems.h"
#include "config/document/value.h"
#include "config/text/position.h"

namespace weir::config {

/// Reads one JSON text into a tree in which every value and every name knows its position.
///
/// Beyond JSON, `//` and `/* */` comments are allowed between tokens, and a byte order mark at the
/// beginning. The text must be UTF-8. Reading stops at the first mistake in the syntax and at a
/// limit; names that an object has twice are all reported, the first one counts. What was read
/// until then is returned, so that it can be checked as well.
///
/// Returns nothing if there is no value to return; then there is a problem that says why.
///
/// Throws nothing but std::bad_alloc. Thread-safe, as long as nobody calls setlocale() meanwhile.
std::optional<Value> read_document(std::string_view text, std::shared_ptr<const Source> source,
                                   Allowance& allowance, Problems& problems);

}  // namespace weir::config
