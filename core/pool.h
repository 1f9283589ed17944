#pragma once

#include <cstddef>

// Memory for the small objects of the steady path: coroutine frames, events, matchers, nodes.
//
// One list of free blocks for each size class and thread, so that allocating and freeing is a
// handful of instructions and what was used last, and is still in the cache, is used next. A list
// keeps so many blocks, what is freed beyond goes back to the system, and all of it when the thread
// ends; larger requests go to operator new. A block may be freed by another thread than the one
// that allocated it. Under AddressSanitizer every
// request goes to operator new, so that a use after free is seen.
namespace weir::pool {

// Largest request that is served from the lists, in bytes.
inline constexpr std::size_t largest = 1024;

// The most free blocks of one size that a thread keeps. Without a limit, a thread that only frees
// what others allocate would gather them for ever.
inline constexpr std::size_t most_kept = 16384;

// At least `size` bytes, aligned for any object. Throws std::bad_alloc.
[[nodiscard]] void* allocate(std::size_t size);

// Takes back what allocate(size) returned; `size` must be the same.
void deallocate(void* block, std::size_t size) noexcept;

// Base of classes whose single objects live in the pool.
struct Pooled {
    static void* operator new(std::size_t size) { return allocate(size); }
    static void* operator new(std::size_t, void* place) noexcept { return place; }
    static void operator delete(void* block, std::size_t size) noexcept { deallocate(block, size); }
};

}  // namespace weir::pool
