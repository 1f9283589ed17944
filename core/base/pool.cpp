#include "core/base/pool.h"

#include <memory>

#include <malloc.h>

#include "core/base/pool_permanent.h"
#include "core/base/sanitizer.h"

namespace weir::pool {

namespace detail {

constinit thread_local FreeLists* lists = nullptr;

}  // namespace detail

namespace {

using namespace detail;

// Trivially destructible, as `lists` is: destructors of other thread-local objects may still use
// them.
constinit thread_local std::size_t bypasses = 0;  // living on this thread
// Blocks allocated by operator new, less those freed there.
constinit thread_local std::ptrdiff_t from_elsewhere = 0;

#ifdef WEIR_SANITIZE_ADDRESS

constexpr std::size_t size_elsewhere(std::size_t size) noexcept {
    return size;
}

void use_lists() noexcept {}

#else

constinit thread_local FreeLists* own_lists = nullptr;
constinit thread_local bool made = false;  // the Owner was made, and may be destroyed already

// Owns the lists of a thread until it ends.
struct Owner {
    std::unique_ptr<FreeLists> owned = std::make_unique<FreeLists>();

    ~Owner() {
        lists = own_lists = nullptr;  // later frees return blocks to the system
        for (Block* head : owned->heads) {
            while (head != nullptr) {
                ::operator delete(std::exchange(head, head->next));
            }
        }
    }
};

constexpr std::size_t size_elsewhere(std::size_t size) noexcept {
    return size > largest ? size : bytes_of(size);
}

void use_lists() {
    if (bypasses != 0) {
        return;
    }
    if (!made) {
        static thread_local Owner owner;
        made = true;
        own_lists = owner.owned.get();
    }
    lists = own_lists;
}

#endif

}  // namespace

namespace detail {

void* allocate_elsewhere(std::size_t size) {
    if (lists == nullptr) [[unlikely]] {
        use_lists();
    }
    void* const block = ::operator new(size_elsewhere(size));
    ++from_elsewhere;
    return block;
}

void deallocate_elsewhere(void* block, std::size_t) noexcept {
    from_elsewhere -= block != nullptr ? 1 : 0;
    ::operator delete(block);
}

}  // namespace detail

Bypass::Bypass() noexcept : before_(from_elsewhere) {
    ++bypasses;
    lists = nullptr;
}

// The lists are used again from the next request that goes to allocate_elsewhere().
Bypass::~Bypass() {
    --bypasses;
}

Permanent::Permanent() noexcept : before_(from_elsewhere) {}

Permanent::~Permanent() {
    from_elsewhere = before_;
}

std::ptrdiff_t Bypass::living() const noexcept {
    return from_elsewhere - before_;
}

// malloc can tell, because every block was once allocated by operator new, which uses malloc.
std::size_t size_of(const void* block) noexcept {
    return malloc_usable_size(const_cast<void*>(block));
}

}  // namespace weir::pool
