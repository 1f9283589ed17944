#pragma once

#include <cstddef>
#include <memory>

namespace weir {

// Buffers that streams read into, shared by all streams of a thread. A stream takes one when bytes
// arrive and gives it back when they are consumed: an idle connection costs no buffer, and bytes
// are read to where the last were, in the cache.
//
// Each thread keeps a few free buffers of one size, that of the buffer that was given back first;
// nearly all streams use the same size.
namespace read_buffers {

// The most free buffers that a thread keeps.
inline constexpr std::size_t most_kept = 64;

// Returns a buffer of so many bytes; null if there is no memory.
std::unique_ptr<char[]> take(std::size_t size) noexcept;
// Takes back a buffer of take().
void give(std::unique_ptr<char[]> buffer, std::size_t size) noexcept;

}  // namespace read_buffers

}  // namespace weir
