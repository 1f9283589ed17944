#pragma once

#include <new>
#include <string>

namespace weir {

// The text that the function makes, or "" if there is no memory for it: for what is logged where
// nothing may throw. The exception that is being handled stays that.
template <class F>
std::string safe_text(F make) noexcept {
    try {
        return make();
    } catch (const std::bad_alloc&) {
        return {};
    }
}

}  // namespace weir
