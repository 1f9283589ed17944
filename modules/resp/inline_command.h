#pragma once

#include <string_view>

#include "modules/resp/request.h"

namespace weir::resp {

// Splits a line that a person typed into arguments and appends these to the request. Returns false
// if the quotes do not fit: one is not closed, or something follows a closing one directly. Then
// what was appended means nothing.
//
// As in Redis, words are separated by white space; in double quotes \n \r \t \b \a and \xHH stand
// for bytes and any other character after a backslash for itself; in single quotes only \' does.
bool split_inline(std::string_view line, Request& request);

}  // namespace weir::resp
