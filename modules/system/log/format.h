#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

// Texts with values in them, "{} of {:.1f}", in the syntax of std::format. The compiler checks the
// number of values. Formatting itself is done in weir's library, so that a plugin which logs
// carries no code for it and links no other library.
namespace weir {

// A value for a text: a bool, a number, a text, or an object with a to_string(). Refers to texts,
// and does not copy them.
class LogValue {
public:
    using Content =
        std::variant<bool, std::int64_t, std::uint64_t, double, std::string_view, std::string>;

    template <class T>
    LogValue(const T& value) : content_(content_of(value)) {}

    const Content& content() const noexcept { return content_; }

private:
    template <class T>
    static Content content_of(const T& value) {
        if constexpr (std::same_as<T, bool>) {
            return value;
        } else if constexpr (std::floating_point<T>) {
            return static_cast<double>(value);
        } else if constexpr (std::same_as<T, char>) {
            return std::string(1, value);
        } else if constexpr (std::signed_integral<T>) {
            return static_cast<std::int64_t>(value);
        } else if constexpr (std::unsigned_integral<T>) {
            return static_cast<std::uint64_t>(value);
        } else if constexpr (std::convertible_to<const T&, std::string_view>) {
            return static_cast<std::string_view>(value);
        } else {
            return std::string(to_string(value));
        }
    }

    Content content_;
};

namespace detail {

// Returns how many values a text takes; -1 if its braces are wrong. `{}` and `{:...}` take the
// next.
constexpr int values_in(std::string_view text) {
    int count = 0;
    for (std::size_t i = 0; i != text.size(); ++i) {
        if (text[i] != '{' && text[i] != '}') {
            continue;
        }
        if (i + 1 != text.size() && text[i + 1] == text[i]) {
            ++i;  // an escaped brace
            continue;
        }
        const std::size_t end = text.find_first_of("{}", i + 1);
        if (text[i] == '}' || end == std::string_view::npos || text[end] == '{' ||
            (end != i + 1 && text[i + 1] != ':')) {
            return -1;
        }
        ++count;
        i = end;
    }
    return count;
}

void braces_do_not_fit_the_values();  // never defined: calling it does not compile

}  // namespace detail

// A text for values of these types, made from a literal. A literal whose braces do not fit the
// number of values does not compile.
template <class... Values>
struct BasicLogFormat {
    template <std::size_t size>
    consteval BasicLogFormat(const char (&literal)[size]) : text(literal, size - 1) {
        if (detail::values_in(text) != int{sizeof...(Values)}) {
            detail::braces_do_not_fit_the_values();
        }
    }

    std::string_view text;
};

// For parameters of functions that deduce the types from the values.
template <class... Values>
using LogFormat = BasicLogFormat<std::type_identity_t<Values>...>;

// Returns the text with the values. Does not throw if a format specification does not suit its
// value
// ("{:d}" for a text): the result then says so.
std::string format_log(std::string_view text, std::span<const LogValue> values);

}  // namespace weir
