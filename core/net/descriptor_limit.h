#pragma once

#include <cstddef>

namespace weir {

// Raises the limit of files and sockets that this process may have open (the soft limit
// RLIMIT_NOFILE) to `wanted`, or as far as the hard limit allows; never lowers it. Returns the
// limit that holds now.
std::size_t raise_descriptor_limit(std::size_t wanted) noexcept;

// Returns the limit that holds now.
std::size_t descriptor_limit() noexcept;

}  // namespace weir
