#include "config/settings/codec.h"

#include <array>
#include <charconv>
#include <cmath>

#include "config/settings/schema_writer.h"

namespace weir::config {

std::optional<WideInteger> decode_integer(const Value& value) {
    if (const auto* integer = value.get<std::int64_t>()) {
        const auto bits = static_cast<std::uint64_t>(*integer);
        return WideInteger{*integer < 0, *integer < 0 ? std::uint64_t{0} - bits : bits};
    }
    if (const auto* large = value.get<std::uint64_t>()) return WideInteger{false, *large};
    const auto* real = value.get<double>();
    if (!real || std::trunc(*real) != *real) return std::nullopt;
    constexpr double beyond = 18446744073709551616.0;  // 2 to the 64
    const double magnitude = std::fabs(*real);
    if (magnitude >= beyond) return WideInteger{*real < 0, 0, true};
    return WideInteger{*real < 0, static_cast<std::uint64_t>(magnitude)};
}

Value scalar_schema(const char* json_type) {
    Value schema = Value::object();
    schema.add("type", Value::list().add(json_type).add("string"));
    schema.add("pattern", reference_pattern);
    return schema;
}

std::string number_text(double value) {
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    return std::string(text.data(), end);
}

Decoded<bool> Codec<bool>::decode(const Value& value) {
    if (const auto* boolean = value.get<bool>()) return {*boolean, false, ""};
    return {};
}

Value Codec<bool>::schema(const Bounds<bool>&) {
    return scalar_schema("boolean");
}

Decoded<std::string> Codec<std::string>::decode(const Value& value) {
    if (const auto text = value.text()) return {std::string(*text), false, ""};
    return {};
}

Value Codec<std::string>::schema(const Bounds<std::string>&) {
    Value schema = Value::object();
    schema.add("type", "string");
    return schema;
}

}  // namespace weir::config
