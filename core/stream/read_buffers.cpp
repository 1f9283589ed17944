#include "core/stream/read_buffers.h"

#include <array>
#include <new>
#include <utility>

namespace weir::read_buffers {
namespace {

struct Free {
    std::array<std::unique_ptr<char[]>, most_kept> buffers;
    std::size_t count = 0;
    std::size_t size = 0;  // of each, in bytes
};

// Null before the thread's first buffer is given back, and while the thread ends. A plain pointer,
// so that reading it needs no call; see pool.h.
#if defined(__GNUC__)
[[gnu::tls_model("initial-exec")]]
#endif
constinit thread_local Free* free_ones = nullptr;

struct Owner {
    std::unique_ptr<Free> owned{new (std::nothrow) Free};

    ~Owner() { free_ones = nullptr; }
};

// Returns false while the thread ends, or if there is no memory.
bool make_free_ones() noexcept {
    static thread_local bool made = false;  // not destroyed when the thread ends
    if (std::exchange(made, true)) {
        return false;
    }
    static thread_local Owner owner;
    free_ones = owner.owned.get();
    return free_ones != nullptr;
}

}  // namespace

std::unique_ptr<char[]> take(std::size_t size) noexcept {
    if (free_ones != nullptr && free_ones->count != 0 && free_ones->size == size) {
        return std::move(free_ones->buffers[--free_ones->count]);
    }
    return std::unique_ptr<char[]>(new (std::nothrow) char[size]);
}

void give(std::unique_ptr<char[]> buffer, std::size_t size) noexcept {
    if (free_ones == nullptr && !make_free_ones()) {
        return;
    }
    if (free_ones->count == 0) {
        free_ones->size = size;
    }
    if (free_ones->size == size && free_ones->count != most_kept) {
        free_ones->buffers[free_ones->count++] = std::move(buffer);
    }
}

}  // namespace weir::read_buffers
