#pragma once

#include <cstddef>

namespace weir::pool {

/// While a Permanent lives, a Bypass does not count the blocks that its thread allocates and frees.
/// For objects that are made once and live as long as the process or a plugin.
class Permanent {
public:
    Permanent() noexcept;
    Permanent(const Permanent&) = delete;
    Permanent& operator=(const Permanent&) = delete;
    ~Permanent();

private:
    const std::ptrdiff_t before_;
};

}  // namespace weir::pool
