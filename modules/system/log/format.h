#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

// Text with values in it, "{} of {:.1f}": the syntax of std::format, and its check of the number of
// values by the compiler. What is done with it is in the library: a plugin that formats carries no
// code for that, and needs no library for it.
namespace weir {

// A value to be put into a text: bool, number, text, or what has a to_string(). Refers to texts.
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

// How many values a text takes; -1 if its braces are wrong. `{}` and `{:...}` take the next one.
constexpr int values_in(std::string_view text) {
    int count = 0;
    for (std::size_t i = 0; i != text.size(); ++i) {
        if (text[i] != '{' && text[i] != '}') {
            continue;
        }
        if (i + 1 != text.size() && text[i + 1] == text[i]) {
            ++i;  // a brace that is meant
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

// A text for values of these types. Made from literals only; one whose braces do not fit the values
// does not compile.
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

// As the parameter of a function that deduces the types from the values.
template <class... Values>
using LogFormat = BasicLogFormat<std::type_identity_t<Values>...>;

// The text with the values. A format specification that does not suit its value ("{:d}" for a
// text) is named in the result, instead of anything being thrown.
std::string format_log(std::string_view text, std::span<const LogValue> values);

}  // namespace weir
