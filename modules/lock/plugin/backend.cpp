#include "modules/lock/plugin/backend.h"

#include <cassert>
#include <stdexcept>
#include <string>
#include <utility>

#include <dlfcn.h>

#include "modules/redis/lockd_backend_maker.h"
#include "modules/zookeeper/zookeeper_backend_maker.h"

namespace weir {
namespace {

// Blocks while the library is read.
template <class Maker>
const Maker& maker_in(const char* library, const char* name) {
    void* const opened = ::dlopen(library, RTLD_NOW | RTLD_LOCAL);
    const void* const found = opened == nullptr ? nullptr : ::dlsym(opened, name);
    if (found == nullptr) {
        throw std::runtime_error(std::string("backend: its library cannot be opened: ") +
                                 ::dlerror());
    }
    return *static_cast<const Maker*>(found);
}

}  // namespace

Task<std::unique_ptr<LockBackend>> make_backend(LockBackendHost host,
                                                const LockModuleSettings::Backend& chosen) {
    if (chosen.lockd) {
        return maker_in<decltype(weir_lockd_backend_maker)>(WEIR_REDIS_LIBRARY,
                                                            "weir_lockd_backend_maker")
            .make(std::move(host), *chosen.lockd);
    }
    assert(chosen.zookeeper);  // wrong_backend() has looked
    return maker_in<decltype(weir_zookeeper_backend_maker)>(WEIR_ZOOKEEPER_LIBRARY,
                                                            "weir_zookeeper_backend_maker")
        .make(std::move(host), *chosen.zookeeper);
}

}  // namespace weir
