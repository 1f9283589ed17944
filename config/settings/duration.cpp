#include "config/settings/duration.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "config/settings/quantity.h"

namespace weir::config {

namespace {

constexpr double nanoseconds_per_second = 1e9;

const std::vector<Unit>& duration_units() {
    static const std::vector<Unit> all = {
        {"ns", 1},
        {"us", 1'000},
        {"ms", 1'000'000},
        {"s", 1'000'000'000},
        {"m", 60'000'000'000},
        {"h", 3'600'000'000'000},
        {"d", 86'400'000'000'000},
    };
    return all;
}

double seconds(std::chrono::nanoseconds duration) {
    return static_cast<double>(duration.count()) / nanoseconds_per_second;
}

std::optional<double> number(const Value& value) {
    if (const auto* integer = value.get<std::int64_t>()) return static_cast<double>(*integer);
    if (const auto* large = value.get<std::uint64_t>()) return static_cast<double>(*large);
    if (const auto* real = value.get<double>()) return *real;
    return std::nullopt;
}

// Reads "1h 30m" or "5 s": several numbers with units, and spaces between all of them. Returns
// their sum; nothing if the text is something else.
std::optional<std::chrono::nanoseconds> sum_of_quantities(std::string_view text) {
    constexpr std::string_view numeric = "0123456789.";
    std::chrono::nanoseconds sum{};
    const auto skip_spaces = [&text] {
        text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    };
    skip_spaces();
    do {
        const std::string_view number = text.substr(0, text.find_first_not_of(numeric));
        text.remove_prefix(number.size());
        skip_spaces();
        const std::string_view unit = text.substr(0, text.find_first_of(" 0123456789."));
        text.remove_prefix(unit.size());
        const Quantity part =
            parse_quantity(std::string(number) + std::string(unit), duration_units());
        const std::chrono::nanoseconds length(part.value);
        if (part.error != QuantityError::none || length > longest_duration - sum) {
            return std::nullopt;
        }
        sum += length;
        skip_spaces();
    } while (!text.empty());
    return sum;
}

}  // namespace

Decoded<std::chrono::nanoseconds> decode_duration(const Value& value) {
    if (const std::optional<double> count = number(value)) {
        if (std::fabs(*count) > seconds(longest_duration)) return {{}, true, ""};
        return {std::chrono::nanoseconds(std::llround(*count * nanoseconds_per_second)), false, ""};
    }
    const auto* text = value.get<std::string>();
    if (!text) return {};
    const Quantity quantity = parse_quantity(*text, duration_units());
    switch (quantity.error) {
        case QuantityError::none:
            return {std::chrono::nanoseconds(quantity.value), false, ""};
        case QuantityError::too_large:
            return {{}, true, ""};
        case QuantityError::too_fine:
            return {{}, false, "is not a multiple of 1ns"};
        case QuantityError::not_a_quantity:
            break;
    }
    if (const auto sum = sum_of_quantities(*text)) {
        return {{},
                false,
                "is not one number directly followed by one unit; write \"" + duration_text(*sum) +
                    '"'};
    }
    return {};
}

std::string duration_text(std::chrono::nanoseconds duration) {
    return quantity_text(duration.count(), duration_units(), "s");
}

Value duration_schema(const Bounds<std::chrono::nanoseconds>& bounds) {
    const bool negative = bounds.low && *bounds.low < std::chrono::nanoseconds::zero();
    Value schema = Value::object();
    schema.add("type", Value::list().add("number").add("string"));
    schema.add("pattern", quantity_pattern(duration_units(), negative));
    schema.add("minimum", seconds(bounds.low.value_or(std::chrono::nanoseconds::zero())));
    if (bounds.high) schema.add("maximum", seconds(*bounds.high));
    return schema;
}

}  // namespace weir::config
