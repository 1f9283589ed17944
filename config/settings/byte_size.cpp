#include "config/settings/byte_size.h"

#include <optional>
#include <vector>

#include "config/settings/quantity.h"

namespace weir::config {

namespace {

const std::vector<Unit>& byte_units() {
    static const std::vector<Unit> all = {
        {"B", 1},
        {"kB", 1'000},
        {"KiB", std::int64_t{1} << 10},
        {"MB", 1'000'000},
        {"MiB", std::int64_t{1} << 20},
        {"GB", 1'000'000'000},
        {"GiB", std::int64_t{1} << 30},
        {"TB", 1'000'000'000'000},
        {"TiB", std::int64_t{1} << 40},
    };
    return all;
}

}  // namespace

Decoded<ByteSize> Codec<ByteSize>::decode(const Value& value) {
    if (const std::optional<WideInteger> bytes = decode_integer(value)) {
        const bool fits =
            !bytes->negative && !bytes->too_large && bytes->magnitude <= natural().high->bytes;
        if (!fits) return {{}, true, ""};
        return {ByteSize{bytes->magnitude}, false, ""};
    }
    const auto* text = value.get<std::string>();
    if (!text) return {};
    const Quantity quantity = parse_quantity(*text, byte_units());
    switch (quantity.error) {
        case QuantityError::none:
            if (quantity.value < 0) return {{}, true, ""};
            return {ByteSize{static_cast<std::uint64_t>(quantity.value)}, false, ""};
        case QuantityError::too_large:
            return {{}, true, ""};
        case QuantityError::too_fine:
            return {{}, false, "is not a whole number of bytes"};
        case QuantityError::not_a_quantity:
            break;
    }
    return {};
}

Value Codec<ByteSize>::encode(const ByteSize& value) {
    return text(value);
}

std::string Codec<ByteSize>::text(const ByteSize& value) {
    return quantity_text(static_cast<std::int64_t>(value.bytes), byte_units(), "B");
}

Value Codec<ByteSize>::schema(const Bounds<ByteSize>& bounds) {
    Value schema = Value::object();
    schema.add("type", Value::list().add("integer").add("string"));
    schema.add("pattern", quantity_pattern(byte_units(), false));
    schema.add("minimum", bounds.low.value_or(ByteSize{0}).bytes);
    if (bounds.high) schema.add("maximum", bounds.high->bytes);
    return schema;
}

}  // namespace weir::config
