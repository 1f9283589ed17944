#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "modules/files/api.h"

// What the functions do with files, below the folder `root`. Each blocks, belongs to a thread that
// may, and throws ApiException: see beneath.h.
namespace weir::files {

// Reads `at_most` bytes at most. Throws (too_large) if the whole file is wanted and has more, and
// (not_text) if it is wanted as text and is not UTF-8.
FileContent read_below(const std::string& root, const ReadParameters& what, std::uint64_t at_most);
// Writes a temporary file in the same folder, syncs it, gives it the name, and syncs the folder.
void write_below(const std::string& root, const WriteParameters& what, const std::string& content);
// Appends the content; `is_line`: on a line of its own, also if the file ends within a line. If it
// fails, the file is as long as before, unless another process has appended to it meanwhile.
void append_below(const std::string& root, const AppendParameters& what, std::string content,
                  bool is_line);
Listing list_below(const std::string& root, const ListParameters& what);
// Moves from below one root to below another one.
void move_below(const std::pair<std::string, std::string>& roots, const MoveParameters& what);
bool remove_below(const std::string& root, const RemoveParameters& what);

}  // namespace weir::files
