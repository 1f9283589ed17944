#pragma once

#include <string>

#include "modules/system/call/json.h"

namespace weir::app {

// How commands show figures and the texts of servers to people.

// 0.25 s, 17.3 s, 5 min 7 s, 26 h 3 min, 12 d 5 h.
std::string duration_text(double seconds);
// 512 B, 1.5 KiB, 300 KiB, 2.1 MiB.
std::string size_text(double bytes);
// 0, 0.5, 12, 1234, 56.8k, 1.23M.
std::string figure(double number);
// 1 event, 2 events.
std::string count_text(std::size_t number, const std::string& what);

// A text of a server, made safe to print: it may be of anybody, as keys of locks are.
std::string shown(const Json& text);

}  // namespace weir::app
