#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <string>

#include "config/settings/codec.h"

namespace weir::config {

/// A number of bytes, as the type of a setting. In a file it is a number, or text with a unit: B,
/// kB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB (powers of 1024). Up to 2^63 - 1.
struct ByteSize {
    std::uint64_t bytes = 0;

    friend auto operator<=>(const ByteSize&, const ByteSize&) = default;
};

constexpr ByteSize kibibytes(std::uint64_t count) {
    return {count * 1024};
}
constexpr ByteSize mebibytes(std::uint64_t count) {
    return {count * 1024 * 1024};
}

template <>
struct Codec<ByteSize> {
    static std::string name() { return "size"; }
    static std::string expected() { return "a size, as \"64KiB\", \"1MB\" or bytes"; }
    static Bounds<ByteSize> natural() {
        return {ByteSize{0}, ByteSize{std::numeric_limits<std::int64_t>::max()}, {}};
    }
    static Decoded<ByteSize> decode(const Value& value);
    static Value encode(const ByteSize& value);
    /// Returns "64KiB", "1MB": the size in the largest unit of which it is a whole number.
    static std::string text(const ByteSize& value);
    static Value schema(const Bounds<ByteSize>& bounds);
};

}  // namespace weir::config
