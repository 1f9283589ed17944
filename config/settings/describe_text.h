#pragma once

#include <cstddef>
#include <string>

#include "config/settings/description.h"

namespace weir::config {

/// The described settings as an aligned table for people: name, type, default, allowed values,
/// unit and sentence. Settings in lists appear as `queues[].event`, in maps as
/// `contexts.<name>.limit`.
///
/// No line is longer than `width` characters, unless a word is; sentences are broken over several
/// lines. Where the columns leave too little room for them, each setting is a paragraph instead.
/// Ends with a newline.
std::string describe_text(const Description& description, std::size_t width = 100);

}  // namespace weir::config
