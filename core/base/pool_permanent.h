#pragma once

#include <cstddef>

namespace weir::pool {

// Blocks that the thread is given, or gives back, while one lives are not counted by a Bypass: for
// what is made once and stays for as long as the process, or a plugin, does.
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
