#include "core/pool.h"

#include <memory>

#include <malloc.h>

#if defined(__SANITIZE_ADDRESS__)
#define WEIR_POOL_BYPASS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEIR_POOL_BYPASS 1
#endif
#endif

namespace weir::pool::detail {

constinit thread_local FreeLists* lists = nullptr;

#ifdef WEIR_POOL_BYPASS

void* allocate_elsewhere(std::size_t size) {
    return ::operator new(size);
}

#else

namespace {

// The lists of a thread, until it ends.
struct Owner {
    std::unique_ptr<FreeLists> owned = std::make_unique<FreeLists>();

    ~Owner() {
        lists = nullptr;  // what is freed from now on goes to the system
        for (FreeList& list : *owned) {
            while (list.head != nullptr) {
                ::operator delete(std::exchange(list.head, list.head->next));
            }
        }
    }
};

// Whether the thread has lists, or had them. Trivially destructible, so that destructors of other
// thread-local objects may use it.
constinit thread_local bool made = false;

void make_lists() {
    static thread_local Owner owner;
    made = true;
    lists = owner.owned.get();
}

}  // namespace

void* allocate_elsewhere(std::size_t size) {
    if (!made) [[unlikely]] {
        make_lists();
    }
    return ::operator new(size > largest ? size : bytes_of(size));
}

#endif

void deallocate_elsewhere(void* block, std::size_t) noexcept {
    ::operator delete(block);
}

}  // namespace weir::pool::detail

// Each block is one of operator new's, and so of malloc's.
std::size_t weir::pool::size_of(const void* block) noexcept {
    return malloc_usable_size(const_cast<void*>(block));
}
