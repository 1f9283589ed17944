#pragma once

#include <new>
#include <string>

namespace weir {

/// Returns the text that `make` returns, or "" if memory runs out. For log messages in places that
/// must not throw. The exception that is being handled, if any, stays the current one.
template <class F>
std::string safe_text(F make) noexcept {
    try {
        return make();
    } catch (const std::bad_alloc&) {
        return {};
    }
}

}  // namespace weir
