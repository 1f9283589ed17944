#pragma once

#include <optional>
#include <string_view>

#include "config/document/value.h"

namespace weir {

/// Returns what JSON text says; nullopt if it is no JSON, or nests lists and objects more than 64
/// deep.
std::optional<config::Value> parse_value(std::string_view text);

}  // namespace weir
