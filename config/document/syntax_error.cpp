#include "config/document/syntax_error.h"

#include <algorithm>

#include "config/text/nearest_name.h"
#include "config/text/quoted.h"
#include "config/text/text_cursor.h"

namespace weir::config {

namespace {

constexpr std::string_view punctuation = "{}[],:\"";

// Returns the token at the offset, as messages name it.
std::string token_at(std::string_view text, std::size_t offset) {
    const std::string_view rest = text.substr(offset);
    if (rest.empty()) return "the end of the text";
    if (rest[0] == '"') {
        const std::size_t end = rest.find('"', 1);
        return "the string " + in_quotes(rest.substr(1, end == rest.npos ? end : end - 1));
    }
    if (punctuation.find(rest[0]) != punctuation.npos) return std::string("'") + rest[0] + "'";
    const std::size_t end = rest.find_first_of("{}[],:\"/ \t\r\n");
    return printable(rest.substr(0, std::max<std::size_t>(end, 1)));
}

// Returns why the parser rejects a string, or "" if it complains about something else.
std::string string_reason(std::string_view parser_message) {
    constexpr std::string_view begin = "invalid string: ";
    const std::size_t found = parser_message.find(begin);
    if (found == std::string_view::npos) return "";
    parser_message.remove_prefix(found + begin.size());
    return printable(parser_message.substr(0, parser_message.find("; last read")), 200);
}

SyntaxError wrong_string(std::string_view text, std::size_t offset, std::size_t consumed,
                         const std::string& reason) {
    const std::size_t last = std::min(std::max(consumed, offset + 1), text.size()) - 1;
    const bool at_end = consumed >= text.size() && text[last] != '\\' && text[last] >= ' ' &&
                        text.find('"', last) == std::string_view::npos;
    if (at_end || text[last] == '\n' || text[last] == '\r') {
        return {offset, "this string is not closed"};
    }
    return {last, "wrong string: " + reason};
}

bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

bool is_letter(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

std::string wrong_value(std::string_view text, std::size_t offset,
                        std::string_view parser_message) {
    const std::string found = token_at(text, offset);
    if (offset == text.size()) return "expected a value, found " + found;
    const char first = text[offset];
    if (parser_message.find("number overflow") != std::string_view::npos) {
        return found + " is too large a number";
    }
    if (first == '\'') return "a string stands between double quotes, not single ones";
    if (is_digit(first) || first == '-' || first == '+' || first == '.') {
        return found + " is not a number of JSON";
    }
    std::string hint = did_you_mean(found, {"true", "false", "null"});
    if (hint.empty() && is_letter(first)) hint = "; a string stands between double quotes";
    return "expected a value, found " + found + hint;
}

// Returns where a number with too many characters for JSON begins, such as 01 and 0x10, or `end` if
// no number ends there.
std::size_t begin_of_number(std::string_view text, std::size_t end) {
    std::size_t begin = end;
    while (begin > 0 && (is_digit(text[begin - 1]) || is_letter(text[begin - 1]) ||
                         std::string_view("+-.").find(text[begin - 1]) != std::string_view::npos)) {
        --begin;
    }
    return begin < end && (is_digit(text[begin]) || text[begin] == '-') ? begin : end;
}

}  // namespace

SyntaxError explain_syntax_error(std::string_view text, std::size_t end, Before before,
                                 std::size_t consumed, std::string_view parser_message) {
    std::size_t offset = after_blanks(text, end);
    const auto at = [&](char character) {
        return offset < text.size() && text[offset] == character;
    };
    const char separator = before == Before::name ? ':' : ',';
    const bool in_object = before == Before::object_begin || before == Before::object_value;
    const bool needs_separator =
        before == Before::name || before == Before::list_value || before == Before::object_value;
    const bool has_separator = needs_separator && at(separator);
    if (has_separator) offset = after_blanks(text, offset + 1);

    const bool in_value = !in_object && (has_separator || !needs_separator);
    if (at('/')) {
        return {offset,
                text.substr(offset, 2) == "/*" ? "this comment is not closed"
                                               : "a comment begins with '//' or '/*'",
                in_value};
    }
    const std::string reason = string_reason(parser_message);
    if (at('"') && !reason.empty()) {
        SyntaxError mistake = wrong_string(text, offset, consumed, reason);
        mistake.is_in_value = in_value;
        return mistake;
    }
    const std::string found = token_at(text, offset);
    if (before == Before::document) return {offset, "expected the end of the text, found " + found};
    if (needs_separator && !has_separator) {
        const std::size_t number = begin_of_number(text, end);
        if (offset == end && number < end && offset < text.size() &&
            punctuation.find(text[offset]) == punctuation.npos) {
            return {number, token_at(text, number) + " is not a number of JSON"};
        }
        const char* expected = before == Before::name         ? "':'"
                               : before == Before::list_value ? "',' or ']'"
                                                              : "',' or '}'";
        return {offset, std::string("expected ") + expected + ", found " + found,
                before == Before::name};
    }
    if (has_separator && before != Before::name && at(in_object ? '}' : ']')) {
        return {offset, "no comma is allowed before " + found};
    }
    if (in_object) return {offset, "expected a name in double quotes, found " + found};
    return {offset, wrong_value(text, offset, parser_message), true};
}

}  // namespace weir::config
