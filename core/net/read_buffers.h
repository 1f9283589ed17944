#pragma once

#include <cstddef>
#include <memory>

namespace weir {

// Buffers that streams read into, shared by all of a thread: a stream has one only while there is
// something in it, so that a connection that is idle costs none, and what is read lies where the
// last was, in the cache.
//
// Keeps a few free ones of one size, the one that was given back first; that suffices, for nearly
// all streams have the same.
namespace read_buffers {

// The most free buffers that a thread keeps.
inline constexpr std::size_t most_kept = 64;

// A buffer of so many bytes; null if there is no memory.
std::unique_ptr<char[]> take(std::size_t size) noexcept;
// Takes back what `take` gave.
void give(std::unique_ptr<char[]> buffer, std::size_t size) noexcept;

}  // namespace read_buffers

}  // namespace weir
