#pragma once

#include <string>
#include <string_view>

#include "modules/system/call/json.h"

namespace weir::app {

// How commands show numbers, and texts that a server sent, to people.

// 0.25 s, 17.3 s, 5 min 7 s, 26 h 3 min, 12 d 5 h.
std::string duration_text(double seconds);
// 512 B, 1.5 KiB, 300 KiB, 2.1 MiB.
std::string size_text(double bytes);
// 0, 0.5, 12, 1234, 56.8k, 1.23M.
std::string figure(double number);
// 1 event, 2 events.
std::string count_text(std::size_t number, const std::string& what);

// Returns a server's text safe to print: any client may have chosen it, as the key of a lock.
std::string shown(const Json& text);
// JSON in which no character acts on a terminal: such characters, which can only be in its texts,
// are written as \u1234, which means the same. Bytes that are not UTF-8 become U+FFFD. Line ends
// and blanks stay, even in a text that is no JSON.
std::string printable_json(std::string_view json);

}  // namespace weir::app
