#pragma once

#include <array>
#include <cstddef>
#include <new>
#include <utility>

/// Memory for the small objects of the steady path: coroutine frames, events, matchers, nodes.
///
/// Each thread has one list of free blocks for each size class, so that allocating and freeing take
/// a handful of instructions and reuse the block that is most likely still in the cache. A thread
/// keeps at most `most_kept` free bytes; the rest, and all of them when the thread ends, return to
/// the system. Requests larger than `largest` use operator new. Any thread may free a block,
/// whichever thread allocated it. Under AddressSanitizer every request uses operator new, so that
/// it detects a use after free.
namespace weir::pool {

/// The largest request that the lists serve, in bytes.
inline constexpr std::size_t largest = 1032;

/// The most free bytes that a thread keeps: about what 100,000 waiting routines use. Without a
/// limit, a thread that only frees what other threads allocate would collect blocks for ever.
inline constexpr std::size_t most_kept = std::size_t{128} << 20;

/// The lists, in the header so that a request of known size needs no call. Internal.
namespace detail {

// Block sizes are those of the C library's malloc: a multiple of 16, less the 8 bytes of its
// header.
inline constexpr std::size_t granularity = 16;
inline constexpr std::size_t smallest = 24;

struct Block {
    Block* next;
};

struct FreeLists {
    std::array<Block*, (largest - smallest) / granularity + 1> heads;
    std::size_t bytes;  // in all free blocks
};

// Null before the thread's first request, after the thread's lists are destroyed, while a Bypass
// lives, and under AddressSanitizer. A pointer rather than the lists themselves: thread-local space
// that is reached without a call is scarce in a library that is loaded at run time.
#if defined(__GNUC__)
[[gnu::tls_model("initial-exec")]]
#endif
extern constinit thread_local FreeLists* lists;

void* allocate_elsewhere(std::size_t size);
void deallocate_elsewhere(void* block, std::size_t size) noexcept;

constexpr std::size_t class_of(std::size_t size) noexcept {
    return size <= smallest ? 0 : (size - smallest + granularity - 1) / granularity;
}

constexpr std::size_t bytes_of(std::size_t size) noexcept {
    return smallest + class_of(size) * granularity;
}

}  // namespace detail

/// Returns at least `size` bytes, aligned for any object. Throws std::bad_alloc.
[[nodiscard]] inline void* allocate(std::size_t size) {
    if (size <= largest && detail::lists != nullptr) [[likely]] {
        detail::FreeLists& lists = *detail::lists;
        detail::Block*& head = lists.heads[detail::class_of(size)];
        if (head != nullptr) [[likely]] {
            lists.bytes -= detail::bytes_of(size);
            return std::exchange(head, head->next);
        }
    }
    return detail::allocate_elsewhere(size);
}

/// Frees a block that allocate(size) returned. Requires the same `size`. Null is allowed.
inline void deallocate(void* block, std::size_t size) noexcept {
    if (size <= largest && detail::lists != nullptr) [[likely]] {
        detail::FreeLists& lists = *detail::lists;
        if (block != nullptr && lists.bytes < most_kept) [[likely]] {
            detail::Block*& head = lists.heads[detail::class_of(size)];
            head = ::new (block) detail::Block{head};
            lists.bytes += detail::bytes_of(size);
            return;
        }
    }
    detail::deallocate_elsewhere(block, size);
}

/// Returns the usable bytes of a block that allocate() returned: the requested size, or slightly
/// more.
std::size_t size_of(const void* block) noexcept;

/// While a Bypass lives, its thread's requests use operator new and operator delete, so that tests
/// can make them fail, and it counts blocks. Several may live at a time, all on the thread that
/// made them.
class Bypass {
public:
    Bypass() noexcept;
    Bypass(const Bypass&) = delete;
    Bypass& operator=(const Bypass&) = delete;
    ~Bypass();

    /// Returns the number of blocks that the thread has allocated since construction, less those
    /// that it has freed.
    std::ptrdiff_t living() const noexcept;

private:
    const std::ptrdiff_t before_;
};

/// A base class: objects of derived classes, but not arrays, are allocated from the pool.
struct Pooled {
    static void* operator new(std::size_t size) { return allocate(size); }
    static void* operator new(std::size_t, void* memory) noexcept { return memory; }
    static void operator delete(void* block, std::size_t size) noexcept { deallocate(block, size); }
};

}  // namespace weir::pool
