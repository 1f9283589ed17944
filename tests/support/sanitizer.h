#pragma once

#include "core/base/sanitizer.h"

namespace weir {

// The sanitizer of undefined behaviour opens a pipe to look at memory, and takes a failure for a
// fault of ours: a test without file descriptors does not run under it.
#ifdef WEIR_SANITIZE_ADDRESS
constexpr bool sanitizer_needs_files = true;
#else
constexpr bool sanitizer_needs_files = false;
#endif

}  // namespace weir
