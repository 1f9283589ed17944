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
constexpr std::size_t classes = largest / granularity;

struct Block {
    Block* next;
};

struct FreeList {
    Block* head;
    std::size_t length;
};

// Trivially destructible, so that reaching it needs no guard, and still usable by destructors of
// other thread-local objects.
struct FreeLists {
    std::array<FreeList, classes> of_class;
    bool closed;   // the thread ends: what is freed from now on goes to the system
    bool watched;  // `Closer` below exists for this thread
};

constinit thread_local FreeLists lists{};

struct Closer {
    ~Closer() {
        lists.closed = true;
        for (FreeList& list : lists.of_class) {
            while (list.head != nullptr) {
                ::operator delete(std::exchange(list.head, list.head->next));
            }
        }
    }
};

void watch_thread_end() noexcept {
    static thread_local Closer closer;
    lists.watched = true;
}

// The smallest blocks, of class 0, serve requests of no byte too.
constexpr std::size_t class_of(std::size_t size) {
    return (size - (size != 0 ? 1 : 0)) / granularity;
}

constexpr std::size_t block_size(std::size_t of_class) {
    return (of_class + 1) * granularity;
}

}  // namespace

void* allocate(std::size_t size) {
    if (size > largest) [[unlikely]] {
        return ::operator new(size);
    }
    FreeList& list = lists.of_class[class_of(size)];
    if (list.head != nullptr) [[likely]] {
        --list.length;
        return std::exchange(list.head, list.head->next);
    }
    return ::operator new(block_size(class_of(size)));
}

void deallocate(void* block, std::size_t size) noexcept {
    if (block == nullptr) {
        return;
    }
    if (size > largest || lists.closed) [[unlikely]] {
        ::operator delete(block);
        return;
    }
    FreeList& list = lists.of_class[class_of(size)];
    if (list.length == most_kept) [[unlikely]] {
        ::operator delete(block);
        return;
    }
    if (!lists.watched) [[unlikely]] {
        watch_thread_end();
    }
    list.head = ::new (block) Block{list.head};
    ++list.length;
}

#endif

}  // namespace weir::pool
