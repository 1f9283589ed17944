#include "core/observe/process_memory.h"

#include <fstream>

#include <unistd.h>

namespace weir {

ProcessMemory process_memory() {
    std::size_t pages = 0;
    std::size_t resident = 0;
    std::ifstream("/proc/self/statm") >> pages >> resident;
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return {pages * page, resident * page};
}

}  // namespace weir
