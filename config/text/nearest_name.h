#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace weir::config {

/// Returns the number of insertions, deletions, replacements and swaps of neighbours that turn one
/// name into the other (the optimal string alignment distance). Upper and lower case are the same,
/// and so are '-' and '_'. Counts bytes. Takes time in the product of the lengths.
std::size_t edit_distance(std::string_view left, std::string_view right);

/// Returns the known name that `name` most likely stands for, or "" if none is near. Near is about
/// one mistake in three characters, or else a name that begins with `name` ("prio" for "priority").
/// Returns the first of equally near names. Names above 64 bytes are never near, so that hostile
/// input costs no time.
std::string_view nearest_name(std::string_view name, const std::vector<std::string>& known);

/// Returns "unknown module 'lokc' (did you mean 'lock'?)", where `kind` is "module".
std::string unknown_name(std::string_view kind, std::string_view name,
                         const std::vector<std::string>& known);

/// Returns " (did you mean 'x'?)" for the nearest known name, or "".
std::string did_you_mean(std::string_view name, const std::vector<std::string>& known);

}  // namespace weir::config
