#include "modules/system/call/json_writer.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string_view>

#include <nlohmann/json.hpp>

#include "config/text/utf8.h"

namespace weir {

namespace {

std::string dumped(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void write_escaped(char character, std::string& text) {
    constexpr std::string_view digits = "0123456789abcdef";
    switch (character) {
        case '"':
            text += "\\\"";
            return;
        case '\\':
            text += "\\\\";
            return;
        case '\b':
            text += "\\b";
            return;
        case '\f':
            text += "\\f";
            return;
        case '\n':
            text += "\\n";
            return;
        case '\r':
            text += "\\r";
            return;
        case '\t':
            text += "\\t";
            return;
        default:
            text += "\\u00";
            text += digits[static_cast<unsigned char>(character) / 16];
            text += digits[static_cast<unsigned char>(character) % 16];
    }
}

bool is_plain(char character) noexcept {
    return static_cast<unsigned char>(character) >= 0x20 && character != '"' && character != '\\';
}

void write_string(const std::string& string, std::string& text) {
    if (config::utf8_prefix(string) != string.size()) {
        text += dumped(string);
        return;
    }
    text += '"';
    for (std::size_t at = 0; at != string.size();) {
        std::size_t end = at;
        while (end != string.size() && is_plain(string[end])) {
            ++end;
        }
        text.append(string, at, end - at);
        if (end != string.size()) {
            write_escaped(string[end++], text);
        }
        at = end;
    }
    text += '"';
}

template <class Number>
void write_integer(Number number, std::string& text) {
    std::array<char, 24> digits{};
    const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    text.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

// With as many digits as it takes to read the same number again, as dump() chooses them.
void write_float(double number, std::string& text) {
    if (!std::isfinite(number)) {
        text += "null";
        return;
    }
    std::array<char, 64> digits{};
    const char* const end =
        nlohmann::detail::to_chars(digits.data(), digits.data() + digits.size(), number);
    text.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

void write(const Json& json, std::string& text) {
    switch (json.type()) {
        case Json::value_t::null:
            text += "null";
            return;
        case Json::value_t::boolean:
            text += *json.get_ptr<const bool*>() ? "true" : "false";
            return;
        case Json::value_t::number_integer:
            write_integer(*json.get_ptr<const Json::number_integer_t*>(), text);
            return;
        case Json::value_t::number_unsigned:
            write_integer(*json.get_ptr<const Json::number_unsigned_t*>(), text);
            return;
        case Json::value_t::number_float:
            write_float(*json.get_ptr<const Json::number_float_t*>(), text);
            return;
        case Json::value_t::string:
            write_string(*json.get_ptr<const Json::string_t*>(), text);
            return;
        case Json::value_t::array: {
            char before = '[';
            for (const Json& element : *json.get_ptr<const Json::array_t*>()) {
                text += before;
                write(element, text);
                before = ',';
            }
            text += before == '[' ? "[]" : "]";
            return;
        }
        case Json::value_t::object: {
            char before = '{';
            for (const auto& [name, member] : *json.get_ptr<const Json::object_t*>()) {
                text += before;
                write_string(name, text);
                text += ':';
                write(member, text);
                before = ',';
            }
            text += before == '{' ? "{}" : "}";
            return;
        }
        case Json::value_t::binary:
        case Json::value_t::discarded:
            break;
    }
    text += dumped(json);
}

}  // namespace

std::string json_text(const Json& json) {
    std::string text;
    write(json, text);
    return text;
}

}  // namespace weir
