#include "config/settings/quantity.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <numeric>

#include "config/settings/schema_writer.h"

namespace weir::config {

namespace {

constexpr std::string_view digits = "0123456789";
constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t most_fraction_digits = 18;  // ten to that power still fits an integer

// Removes the digits at the beginning of `text` and returns them.
std::string_view take_digits(std::string_view& text) {
    const std::size_t length = std::min(text.find_first_not_of(digits), text.size());
    const std::string_view result = text.substr(0, length);
    text.remove_prefix(length);
    return result;
}

// Sets `sum` to `sum` * 10 + `digit`. Returns false if that is too large.
bool append_digit(std::int64_t& sum, char digit) {
    const std::int64_t value = digit - '0';
    if (sum > (largest - value) / 10) return false;
    sum = sum * 10 + value;
    return true;
}

}  // namespace

Quantity parse_quantity(std::string_view text, const std::vector<Unit>& units) {
    const bool negative = !text.empty() && text.front() == '-';
    if (negative) text.remove_prefix(1);
    const std::string_view whole = take_digits(text);
    std::string_view fraction;
    const bool has_point = !text.empty() && text.front() == '.';
    if (has_point) {
        text.remove_prefix(1);
        fraction = take_digits(text);
    }
    const auto unit = std::find_if(units.begin(), units.end(),
                                   [&](const Unit& candidate) { return candidate.name == text; });
    if (whole.empty() || has_point == fraction.empty() || unit == units.end()) {
        return {0, QuantityError::not_a_quantity};
    }
    std::int64_t sum = 0;
    for (const char digit : whole) {
        if (!append_digit(sum, digit)) return {0, QuantityError::too_large};
    }
    if (sum > largest / unit->factor) return {0, QuantityError::too_large};
    sum *= unit->factor;
    // The fraction is numerator / denominator. Without trailing zeros, the unit must be a multiple
    // of it.
    fraction = fraction.substr(0, fraction.find_last_not_of('0') + 1);
    if (fraction.size() > most_fraction_digits) return {0, QuantityError::too_fine};
    std::int64_t numerator = 0, denominator = 1;
    for (const char digit : fraction) {
        append_digit(numerator, digit);
        denominator *= 10;
    }
    const std::int64_t divisor = std::gcd(numerator, denominator);
    denominator /= divisor;
    if (unit->factor % denominator != 0) return {0, QuantityError::too_fine};
    const std::int64_t part = numerator / divisor * (unit->factor / denominator);
    if (sum > largest - part) return {0, QuantityError::too_large};
    sum += part;
    return {negative ? -sum : sum, QuantityError::none};
}

std::string quantity_text(std::int64_t value, const std::vector<Unit>& units,
                          std::string_view zero_unit) {
    assert(!units.empty() && units.front().factor == 1);
    if (value == 0) return "0" + std::string(zero_unit);
    const auto unit = std::find_if(units.rbegin(), units.rend(), [&](const Unit& candidate) {
        return value % candidate.factor == 0;
    });
    return std::to_string(value / unit->factor) + std::string(unit->name);
}

std::string quantity_pattern(const std::vector<Unit>& units, bool negative) {
    std::string names;
    for (const Unit& unit : units) {
        names += (names.empty() ? "" : "|") + std::string(unit.name);
    }
    return std::string(negative ? "^-?" : "^") + "[0-9]+(\\.[0-9]+)?(" + names + ")$|" +
           text_with_reference_pattern;
}

}  // namespace weir::config
