#pragma once

#include <cstdint>

#include "core/base/sanitizer.h"

namespace weir::test {

// A campaign repeats one test with many seeds, or with a fault at each point. The address sanitizer
// looks for mistakes with memory, which each run has in the same places: it makes one run of this
// many, because each takes ten times as long.
#ifdef WEIR_SANITIZE_ADDRESS
inline constexpr std::uint64_t one_run_of = 5;
#else
inline constexpr std::uint64_t one_run_of = 1;
#endif

}  // namespace weir::test
