#pragma once

#include <cstdint>

namespace weir {

/// The addresses in [from, to).
struct AddressRange {
    std::uintptr_t from;
    std::uintptr_t to;

    bool contains(std::uintptr_t address) const noexcept { return address >= from && address < to; }
    bool contains(const void* address) const noexcept {
        return contains(reinterpret_cast<std::uintptr_t>(address));
    }
};

}  // namespace weir
