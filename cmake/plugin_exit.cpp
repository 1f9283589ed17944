// Destroys the static objects of a plugin when it is unloaded. Compiled into every plugin.
//
// The C library has one list of such destructors for the whole process, and reuses an entry
// only when all later entries are unused too. A reload opens the new version before it closes the
// old one: entries of old versions would accumulate for ever. A plugin therefore
// keeps a list of its own, which is freed with it. The function below, by which the compiler
// adds to the list (Itanium C++ ABI, 3.3.6.3), is hidden from other libraries.

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

struct Exit {
    void (*destroy)(void*);
    void* object;
    Exit* before;
};

// The last entry. Atomic, because several threads may construct static objects at the same time.
constinit std::atomic<Exit*> last{nullptr};

// Destructors may construct static objects; the loop destroys those too.
[[gnu::destructor]] void destroy_static_objects() {
    while (Exit* exit = last.load()) {
        last = exit->before;
        exit->destroy(exit->object);
        std::free(exit);
    }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" [[gnu::visibility("hidden")]] int __cxa_atexit(void (*destroy)(void*), void* object,
                                                          void* /*library*/) {
    void* memory = std::malloc(sizeof(Exit));
    if (memory == nullptr) {
        return -1;
    }
    auto* exit = ::new (memory) Exit{destroy, object, last.load()};
    while (!last.compare_exchange_weak(exit->before, exit)) {
    }
    return 0;
}
