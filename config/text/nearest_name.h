#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace weir::config {

/// Insertions, deletions, replacements and swaps of neighbours that turn one name into the other,
/// where upper and lower case, and '-' and '_', are the same. (Optimal string alignment distance.)
/// Counts bytes; takes time in the product of the lengths.
std::size_t edit_distance(std::string_view left, std::string_view right);

/// The known name that `name` most likely stands for, or "" when none is near: about one mistake
/// in three characters is still near, or else a name that begins like this one ("prio" for
/// "priority"). Of two equally near, the first. Names above 64 bytes are
/// never near, so that hostile input costs no time.
std::string_view nearest_name(std::string_view name, const std::vector<std::string>& known);

/// "unknown module 'lokc' (did you mean 'lock'?)", where `kind` is "module".
std::string unknown_name(std::string_view kind, std::string_view name,
                         const std::vector<std::string>& known);

/// " (did you mean 'x'?)" for the nearest known name, or "".
std::string did_you_mean(std::string_view name, const std::vector<std::string>& known);

}  // namespace weir::config
