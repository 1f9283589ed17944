#pragma once

#include <cstddef>

namespace weir {

/// The memory of this process, in bytes, as the system counts it.
struct ProcessMemory {
    std::size_t virtual_size = 0;  ///< addresses that the process uses
    std::size_t resident = 0;      ///< memory behind them
};

/// Returns the memory of this process now; zeros if the system does not tell.
ProcessMemory process_memory();

}  // namespace weir
