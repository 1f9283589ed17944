#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/document/value.h"

namespace weir::config {

/// The restrictions on a setting's values. Both ends are allowed values.
template <class T>
struct Bounds {
    std::optional<T> low;
    std::optional<T> high;
    std::vector<T> one_of;  ///< empty: any
};

/// The result of converting a JSON value to a T.
template <class T>
struct Decoded {
    std::optional<T> value;
    bool out_of_range = false;  ///< right kind, but outside of the range of T
    std::string wrong;          ///< right kind, but wrong otherwise: "is not ..."
};

/// How one scalar C++ type is written in JSON. A specialization has these static members:
///
///     std::string name();                          // "integer"
///     std::string expected();                      // "an integer": after "expected"
///     Bounds<T> natural();                         // if the setting has no restriction
///     Decoded<T> decode(const Value& value);
///     Value encode(const T& value);                // as in a file
///     std::string text(const T& value);            // as messages show it
///     Value schema(const Bounds<T>& bounds);       // with the setting's own bounds
template <class T>
struct Codec;

/// Any integer that a std::int64_t or a std::uint64_t holds.
struct WideInteger {
    bool negative = false;
    std::uint64_t magnitude = 0;
    bool too_large = false;  ///< an integer that neither holds
};

/// Returns the integer that a value is, also for 5.0. Returns nothing if the value is no integer.
std::optional<WideInteger> decode_integer(const Value& value);

/// Returns the schema of a scalar: `json_type` or a reference to an environment variable.
Value scalar_schema(const char* json_type);

/// Returns a number as text with no more digits than it needs.
std::string number_text(double value);

template <>
struct Codec<bool> {
    static std::string name() { return "boolean"; }
    static std::string expected() { return "true or false"; }
    static Bounds<bool> natural() { return {}; }
    static Decoded<bool> decode(const Value& value);
    static Value encode(const bool& value) { return value; }
    static std::string text(const bool& value) { return value ? "true" : "false"; }
    static Value schema(const Bounds<bool>& bounds);
};

template <std::integral T>
struct Codec<T> {
    static std::string name() { return "integer"; }
    static std::string expected() { return "an integer"; }
    static Bounds<T> natural() {
        return {std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), {}};
    }
    static Decoded<T> decode(const Value& value) {
        const std::optional<WideInteger> wide = decode_integer(value);
        if (!wide) return {};
        if (wide->too_large) return {{}, true, ""};
        // By subtraction, because the smallest integer has no positive counterpart.
        if (wide->negative && wide->magnitude > 0) {
            const std::uint64_t below = wide->magnitude - 1;
            const auto most = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
            if (std::is_unsigned_v<T> || below > most) return {{}, true, ""};
            return {static_cast<T>(-static_cast<std::int64_t>(below) - 1), false, ""};
        }
        if (!std::in_range<T>(wide->magnitude)) return {{}, true, ""};
        return {static_cast<T>(wide->magnitude), false, ""};
    }
    static Value encode(const T& value) { return value; }
    static std::string text(const T& value) { return std::to_string(value); }
    static Value schema(const Bounds<T>& bounds) {
        Value schema = scalar_schema("integer");
        // 64-bit limits are omitted: an editor that uses doubles would show them rounded.
        const bool narrow = sizeof(T) < sizeof(std::int64_t);
        const Bounds<T> limits = natural();
        if (bounds.low || narrow || *limits.low == 0) {
            schema.add("minimum", bounds.low.value_or(*limits.low));
        }
        if (bounds.high || narrow) schema.add("maximum", bounds.high.value_or(*limits.high));
        return schema;
    }
};

template <std::floating_point T>
struct Codec<T> {
    static std::string name() { return "number"; }
    static std::string expected() { return "a number"; }
    static Bounds<T> natural() {
        return {std::numeric_limits<T>::lowest(), std::numeric_limits<T>::max(), {}};
    }
    static Decoded<T> decode(const Value& value) {
        double number = 0;
        if (const auto* real = value.get<double>()) {
            number = *real;
        } else if (const auto* integer = value.get<std::int64_t>()) {
            number = static_cast<double>(*integer);
        } else if (const auto* large = value.get<std::uint64_t>()) {
            number = static_cast<double>(*large);
        } else {
            return {};
        }
        const Bounds<T> limits = natural();
        if (number < static_cast<double>(*limits.low) ||
            number > static_cast<double>(*limits.high)) {
            return {{}, true, ""};
        }
        return {static_cast<T>(number), false, ""};
    }
    static Value encode(const T& value) { return static_cast<double>(value); }
    static std::string text(const T& value) { return number_text(static_cast<double>(value)); }
    static Value schema(const Bounds<T>& bounds) {
        Value schema = scalar_schema("number");
        if (bounds.low) schema.add("minimum", static_cast<double>(*bounds.low));
        if (bounds.high) schema.add("maximum", static_cast<double>(*bounds.high));
        return schema;
    }
};

template <>
struct Codec<std::string> {
    static std::string name() { return "string"; }
    static std::string expected() { return "a string"; }
    static Bounds<std::string> natural() { return {}; }
    static Decoded<std::string> decode(const Value& value);
    static Value encode(const std::string& value) { return value; }
    static std::string text(const std::string& value) { return value; }
    static Value schema(const Bounds<std::string>& bounds);
};

/// A type that has a Codec.
template <class T>
concept Scalar = requires(const Value& value) {
    { Codec<T>::decode(value) } -> std::same_as<Decoded<T>>;
};

}  // namespace weir::config
