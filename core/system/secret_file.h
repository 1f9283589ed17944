#pragma once

#include <string>
#include <vector>

#include "core/run/task.h"

namespace weir {

// Secrets in files that settings name: each line that has more than blanks is one. Both throw
// std::runtime_error if the file cannot be read, is too large, or has no secret. The error begins
// with `setting`, and shows nothing of the file.

// Returns all of them: several, while one secret is replaced by another.
Task<std::vector<std::string>> read_secret_lines(std::string path, std::string setting);
// Returns the first one, as a password.
Task<std::string> read_secret_line(std::string path, std::string setting);

}  // namespace weir
