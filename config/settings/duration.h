#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>

#include "config/settings/codec.h"

namespace weir::config {

/// The longest duration of a setting: 291 years, slightly below what std::int64_t counts in
/// nanoseconds.
inline constexpr std::chrono::nanoseconds longest_duration = std::chrono::seconds(9'200'000'000);

/// Returns the duration that a JSON value stands for, in nanoseconds.
Decoded<std::chrono::nanoseconds> decode_duration(const Value& value);

/// Returns "50ms", "2s", "90s", "1h": the duration in the largest unit of which it is a whole
/// number.
std::string duration_text(std::chrono::nanoseconds duration);

Value duration_schema(const Bounds<std::chrono::nanoseconds>& bounds);

/// In a file a duration is text with a unit (ns, us, ms, s, m, h, d) or a number of seconds. It is
/// not negative unless the setting's range allows that. Up to 291 years. A setting in milliseconds
/// rejects "50us": nothing is rounded silently, except digits after the ninth of a fraction of a
/// second that is a number.
template <class Rep, class Period>
struct Codec<std::chrono::duration<Rep, Period>> {
    using T = std::chrono::duration<Rep, Period>;

    static std::string name() { return "duration"; }
    static std::string expected() {
        return "a duration: a number with one of the units ns, us, ms, s, m, h, d, as \"90s\", or "
               "a number of seconds";
    }
    static Bounds<T> natural() {
        using namespace std::chrono;
        const bool less = duration<double>(T::max()) < duration<double>(longest_duration);
        return {T::zero(), less ? T::max() : duration_cast<T>(longest_duration), {}};
    }
    static Decoded<T> decode(const Value& value) {
        const Decoded<std::chrono::nanoseconds> decoded = decode_duration(value);
        if (!decoded.value) return {{}, decoded.out_of_range, decoded.wrong};
        using namespace std::chrono;
        const auto wide = duration_cast<nanoseconds>(*natural().high);
        if (*decoded.value > wide || *decoded.value < -wide) return {{}, true, ""};
        const T result = duration_cast<T>(*decoded.value);
        if constexpr (!treat_as_floating_point_v<Rep>) {
            if (duration_cast<nanoseconds>(result) != *decoded.value) {
                return {{}, false, "is not a multiple of " + text(T(1))};
            }
        }
        return {result, false, ""};
    }
    static Value encode(const T& value) { return text(value); }
    static std::string text(const T& value) {
        return duration_text(std::chrono::duration_cast<std::chrono::nanoseconds>(value));
    }
    static Value schema(const Bounds<T>& bounds) {
        Bounds<std::chrono::nanoseconds> wide;
        if (bounds.low)
            wide.low = std::chrono::duration_cast<std::chrono::nanoseconds>(*bounds.low);
        if (bounds.high) {
            wide.high = std::chrono::duration_cast<std::chrono::nanoseconds>(*bounds.high);
        }
        return duration_schema(wide);
    }
};

}  // namespace weir::config
