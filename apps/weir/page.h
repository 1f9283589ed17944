#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weir::app {

// How wide help and descriptions may be, in characters: as the terminal that standard output is,
// but no wider than what is read easily, which is also the width elsewhere.
std::size_t page_width();

// Returns the text with each line that is longer than `width` broken between words. A continuation
// is indented by `indent` blanks or, without it, by two more than the line that it continues. A
// word that is longer than a line is left whole.
std::string broken_text(std::string_view text, std::size_t width, std::size_t indent);
std::string broken_text(std::string_view text, std::size_t width);

}  // namespace weir::app
