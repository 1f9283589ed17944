#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weir::config {

/// What a reader of JSON had just read when it met a mistake.
enum class Before {
    nothing,       ///< the text begins
    list_begin,    ///< '['
    list_value,    ///< a value in a list
    object_begin,  ///< '{'
    name,          ///< a name in an object
    object_value,  ///< a value in an object
    document,      ///< the only value of the text
};

/// A mistake in the syntax, in the words of weir.
struct SyntaxError {
    std::size_t offset;
    std::string what;
    bool is_in_value = false;  ///< and not between the values of an object or a list
};

/// Finds out what is wrong in `text`.
///
/// `end` is the offset behind the last token that was right, `before` says what that was,
/// `consumed` is how far the parser has read, and `parser_message` what it says.
SyntaxError explain_syntax_error(std::string_view text, std::size_t end, Before before,
                                 std::size_t consumed, std::string_view parser_message);

}  // namespace weir::config
