#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weir::config {

/// The last token that a JSON reader accepted before a mistake.
enum class Before {
    nothing,       ///< the text begins
    list_begin,    ///< '['
    list_value,    ///< a value in a list
    object_begin,  ///< '{'
    name,          ///< a name in an object
    object_value,  ///< a value in an object
    document,      ///< the only value of the text
};

/// A syntax error in weir's words.
struct SyntaxError {
    std::size_t offset;
    std::string what;
    bool is_in_value = false;  ///< not between the values of an object or a list
};

/// Returns what is wrong in `text`.
///
/// `end` is the offset behind the last accepted token, `before` tells what that token was,
/// `consumed` is how far the parser has read, and `parser_message` is its message.
SyntaxError explain_syntax_error(std::string_view text, std::size_t end, Before before,
                                 std::size_t consumed, std::string_view parser_message);

}  // namespace weir::config
