#pragma once

#include <string>
#include <string_view>

#include "config/document/value.h"

namespace weir::config {

/// Returns a value as messages name it: `the string "abc"`, `2.5`, `a list`. Adds the origin of a
/// value that was substituted: `the string "abc" (from "${PORT}")`.
std::string found(const Value& value);

/// The same without the content, for a secret setting: `a string`, `an integer`.
std::string found_secret(const Value& value);

/// Returns "an integer", "a list of strings".
std::string with_article(std::string_view noun);

}  // namespace weir::config
