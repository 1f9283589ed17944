#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir::config {

/// Returns the texts with the separator between them: "a, b, c".
std::string joined(const std::vector<std::string>& texts, std::string_view separator = ", ");

}  // namespace weir::config
