#pragma once

#include <string_view>

#include "modules/resp/request.h"

namespace weir::resp {

// Splits a line that a person typed into arguments and appends these to the request. Returns false
// if the quotes are wrong: one is not closed, or a closing one is followed by another character
// than white space. What was appended is then to be dropped.
//
// As in Redis, words are separated by white space; in double quotes \n \r \t \b \a and \xHH stand
// for bytes and any other character after a backslash for itself; in single quotes only \' does.
bool split_inline(std::string_view line, Request& request);

}  // namespace weir::resp
