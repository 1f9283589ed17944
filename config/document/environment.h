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

/// The environment of this process. Not thread-safe while someone calls setenv().
Environment process_environment();

/// Replaces the references in all strings in `value`; names of members stay as they are.
///
/// `${NAME}` becomes the variable's value, `${NAME:-text}` that or, where it is not set or empty,
/// `text`, which goes up to the next '}'. `$$` becomes `$`; any other `$` stands for itself.
/// Nothing is replaced in what was put in.
///
/// Where a string is nothing but one reference, and what it stands for is JSON, the value becomes
/// that: "${PORT}" can be an integer. A variable that is not set and has no default is a problem.
void expand_references(Value& value, const Environment& environment, Allowance& allowance,
                       Problems& problems);

/// What text from outside of any file means: the JSON value if it is JSON, else a string. A string
/// setting takes the text as it stands, unless it is a JSON string and `unquote` is set.
Value value_from_text(const std::string& text, std::shared_ptr<const Source> source,
                      Allowance& allowance, bool unquote);

}  // namespace weir::config
