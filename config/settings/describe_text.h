#pragma once

#include <cstddef>
#include <string>

#include "config/settings/description.h"

namespace weir::config {

/// Returns the described settings as an aligned table: name, type, default, allowed values, unit
/// and sentence. Settings in lists appear as `queues[].event`, in maps as `contexts.<name>.limit`.
///
/// Breaks sentences so that no line is longer than `width` characters, unless the columns before
/// the sentence are. Ends with a newline.
std::string describe_text(const Description& description, std::size_t width = 100);

/// The same for a terminal: no line is longer than `width` characters, unless a word is. Where the
/// columns leave too little room for sentences, each setting is a paragraph instead.
std::string describe_text_within(const Description& description, std::size_t width);

}  // namespace weir::config
