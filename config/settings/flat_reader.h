#pragma once

#include <string_view>

namespace weir::config {

class Description;

/// Reads a JSON object straight into what is described, without a tree in between. Requires that
/// its members are all scalars, known, allowed and there once, that all required ones are there,
/// and that no text in it has an escape: nearly everything that programs send each other is so.
///
/// Returns false without a word for everything else, well-formed or not; a part of the object has
/// then been read. The caller reads the text anew in the long way, which words the mistakes.
bool read_flat(std::string_view json, const Description& description, void* object);

}  // namespace weir::config
