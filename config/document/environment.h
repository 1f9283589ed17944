#pragma once

#include <functional>
#include <map>
#include <string>

#include "config/document/limits.h"
#include "config/document/problems.h"
#include "config/document/value.h"

namespace weir::config {

/// Environment variables by name.
using Environment = std::map<std::string, std::string, std::less<>>;

/// Returns the environment of this process. Not thread-safe while another thread calls setenv().
Environment process_environment();

/// Replaces the references in all strings in `value`. Names of members stay unchanged.
///
/// `${NAME}` becomes the variable's value. `${NAME:-text}` becomes the variable's value, or, if it
/// is not set or empty, `text`, which ends at the next '}'. `$$` becomes `$`; any other `$` stays.
/// Replacements are not expanded again.
///
/// If a string is a single reference and its replacement is JSON, the value becomes that JSON:
/// "${PORT}" can be an integer. A variable that is not set and has no default is a problem.
void expand_references(Value& value, const Environment& environment, Allowance& allowance,
                       Problems& problems);

/// Returns the value of a text from outside of any file: the JSON value if it is JSON, else a
/// string. String settings take the text literally, unless it is a JSON string and `unquote` is
/// set.
Value value_from_text(const std::string& text, std::shared_ptr<const Source> source,
                      Allowance& allowance, bool unquote);

}  // namespace weir::config
