#pragma once

#include <string_view>

namespace weir::resp {

// Returns the name of the protocol whose client sent the line in place of a request: "HTTP" or
// "TLS"; empty if the line is a command that a person typed.
//
// A web page can make the browser of the server's owner connect to the port. It cannot choose the
// first bytes that the browser sends, but it can choose bytes after them, as the body of a request:
// none of these may be executed.
std::string_view other_protocol(std::string_view line) noexcept;

}  // namespace weir::resp
