// What a plugin does when it is unloaded: destroy its static objects. Compiled into every plugin.
//
// The C library has one list of such destructors for the whole process, and uses an entry again
// only when all that were made after it are gone too. When a module is reloaded, the new version
// comes before the old one goes: entries of old versions would pile up for ever. A plugin therefore
// keeps a list of its own, which goes with it. No other library sees the function below, by which
// the compiler adds to the list (Itanium C++ ABI, 3.3.6.3).

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

struct Exit {
    void (*destroy)(void*);
    void* object;
    Exit* before;
};

// The last that was added. Atomic, for several threads may each be making a static object.
constinit std::atomic<Exit*> last{nullptr};

// Destructors may make static objects; those are destroyed too.
[[gnu::destructor]] void destroy_static_objects() {
    while (Exit* exit = last.load()) {
        last = exit->before;
        exit->destroy(exit->object);
        std::free(exit);
    }
}

}  // namespace

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
