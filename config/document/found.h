#pragma once

#include <string>
#include <string_view>

#include "config/document/value.h"

namespace weir::config {

/// A value as a message names what was found: `the string "abc"`, `2.5`, `a list`, and where it
/// came from if it was not written so: `the string "abc" (from "${PORT}")`.
std::string found(const Value& value);

/// The same without what it contains, for a setting that is secret: `a string`, `an integer`.
std::string found_secret(const Value& value);

/// "an integer", "a list of strings".
std::string with_article(std::string_view noun);

}  // namespace weir::config
