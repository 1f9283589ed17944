#pragma once

#include <array>
#include <cstddef>
#include <new>
#include <utility>

// Memory for the small objects of the steady path: coroutine frames, events, matchers, nodes.
//
// One list of free blocks for each size class and thread, so that allocating and freeing is a
// handful of instructions and what was used last, and is still in the cache, is used next. A thread
// keeps so many bytes, what is freed beyond goes back to the system, and all of it when the thread
// ends; larger requests go to operator new. A block may be freed by another thread than the one
// that allocated it. Under AddressSanitizer every request goes to operator new, so that a use after
// free is seen.
namespace weir::pool {

// Largest request that is served from the lists, in bytes.
inline constexpr std::size_t largest = 1032;

// The most free bytes that a thread keeps: what some 100,000 waiting routines have used. Without a
// limit, a thread that only frees what others allocate would gather them for ever.
inline constexpr std::size_t most_kept = std::size_t{128} << 20;

// The lists themselves, here so that a request of known size is a handful of instructions without
// a call. Not for use.
namespace detail {

// The sizes of blocks are those in which malloc of the C library hands out memory: a multiple of 16
// less the 8 bytes that it keeps for itself.
inline constexpr std::size_t granularity = 16;
inline constexpr std::size_t smallest = 24;

struct Block {
    Block* next;
};

struct FreeLists {
    std::array<Block*, (largest - smallest) / granularity + 1> heads;
    std::size_t bytes;  // of all blocks
};

// Null before the thread's first request, when the thread ends, in a Bypass, and under
// AddressSanitizer. A pointer, not the lists: space that is reached without a call is scarce in a
// library that is opened while a program runs.
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

// At least `size` bytes, aligned for any object. Throws std::bad_alloc.
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

// Takes back what allocate(size) returned; `size` must be the same.
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

// The bytes that a block takes which allocate() returned: those asked for, or some more.
std::size_t size_of(const void* block) noexcept;

// While one lives, what its thread asks of the pool comes from operator new, and goes back there,
// so that tests may let it fail; and it counts. One thread; several may live at a time.
class Bypass {
public:
    Bypass() noexcept;
    Bypass(const Bypass&) = delete;
    Bypass& operator=(const Bypass&) = delete;
    ~Bypass();

    // How many blocks the thread was given since then, less those that it gave back.
    std::ptrdiff_t living() const noexcept;

private:
    const std::ptrdiff_t before_;
};

// Base of classes whose single objects live in the pool.
struct Pooled {
    static void* operator new(std::size_t size) { return allocate(size); }
    static void* operator new(std::size_t, void* place) noexcept { return place; }
    static void operator delete(void* block, std::size_t size) noexcept { deallocate(block, size); }
};

}  // namespace weir::pool
