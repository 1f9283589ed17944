#include "config/document/found.h"

#include "config/text/quoted.h"

namespace weir::config {

std::string found(const Value& value) {
    std::string text;
    if (value.is_list()) {
        text = "a list";
    } else if (value.is_object()) {
        text = "an object";
    } else if (const auto* string = value.get<std::string>()) {
        text = "the string " + in_quotes(*string);
    } else {
        text = to_json(value);
    }
    if (value.substitution && !value.substitution->written.empty()) {
        text += " (from " + in_quotes(value.substitution->written) + ")";
    }
    return text;
}

std::string found_secret(const Value& value) {
    if (value.is_null()) return "null";
    if (value.is_list()) return "a list";
    if (value.is_object()) return "an object";
    if (value.is_string()) return "a string";
    return value.get<bool>() ? "a boolean" : "a number";
}

std::string with_article(std::string_view noun) {
    const bool vowel =
        !noun.empty() && std::string_view("aeiou").find(noun[0]) != std::string_view::npos;
    return (vowel ? "an " : "a ") + std::string(noun);
}

}  // namespace weir::config
