#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::config {

/// A unit that may follow a number, and how many of the smallest unit it is.
struct Unit {
    std::string_view name;
    std::int64_t factor;
};

enum class QuantityError { none, not_a_quantity, too_large, too_fine };

struct Quantity {
    std::int64_t value = 0;  ///< in the smallest unit
    QuantityError error = QuantityError::none;
};

/// Reads "50ms", "1.5h" or "-2s": a decimal number directly followed by a unit. Exact: a quantity
/// that is not a whole number of the smallest unit is too fine.
Quantity parse_quantity(std::string_view text, const std::vector<Unit>& units);

/// Returns the shortest text that parse_quantity() reads as `value`, in the largest unit of which
/// it is a whole number. Zero has `zero_unit`. Requires units in ascending order, the first of size
/// 1.
std::string quantity_text(std::int64_t value, const std::vector<Unit>& units,
                          std::string_view zero_unit);

/// Returns the pattern of JSON Schema for texts that parse_quantity() reads, or that contain a
/// reference to the environment.
std::string quantity_pattern(const std::vector<Unit>& units, bool negative);

}  // namespace weir::config
