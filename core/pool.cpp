#include "core/pool.h"

#include <array>
#include <new>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#define WEIR_POOL_BYPASS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEIR_POOL_BYPASS 1
#endif
#endif

namespace weir::pool {

#ifdef WEIR_POOL_BYPASS

void* allocate(std::size_t size) {
    return ::operator new(size);
}

void deallocate(void* block, std::size_t) noexcept {
    ::operator delete(block);
}

#else

namespace {

constexpr std::size_t granularity = 16;
constexpr std::size_t classes = largest / granularity + 1;

struct Block {
    Block* next;
};

// Trivially destructible, so that reaching it needs no guard, and still usable by destructors of
// other thread-local objects.
struct FreeLists {
    std::array<Block*, classes> head;
    bool closed;   // the thread ends: what is freed from now on goes to the system
    bool watched;  // `Closer` below exists for this thread
};

constinit thread_local FreeLists lists{};

struct Closer {
    ~Closer() {
        lists.closed = true;
        for (Block*& head : lists.head) {
            while (head != nullptr) {
                ::operator delete(std::exchange(head, head->next));
            }
        }
    }
};

void watch_thread_end() noexcept {
    static thread_local Closer closer;
    lists.watched = true;
}

constexpr std::size_t class_of(std::size_t size) {
    return (size + granularity - 1) / granularity;
}

}  // namespace

void* allocate(std::size_t size) {
    if (size > largest) [[unlikely]] {
        return ::operator new(size);
    }
    Block*& head = lists.head[class_of(size)];
    if (head != nullptr) [[likely]] {
        Block* block = head;
        head = block->next;
        return block;
    }
    return ::operator new(class_of(size) * granularity);
}

void deallocate(void* block, std::size_t size) noexcept {
    if (block == nullptr) {
        return;
    }
    if (size > largest || lists.closed) [[unlikely]] {
        ::operator delete(block);
        return;
    }
    if (!lists.watched) [[unlikely]] {
        watch_thread_end();
    }
    Block*& head = lists.head[class_of(size)];
    head = ::new (block) Block{head};
}

#endif

}  // namespace weir::pool
