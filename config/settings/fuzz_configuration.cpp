// Feeds any bytes to the reader, and what it makes of them to all that works on configurations.
//
// `./dev fuzz` builds and runs it. What it finds, build/fuzz/fuzz_configuration-crash-..., is tried
// again by build/fuzz/bin/fuzz_configuration FILE.

#include <cstddef>
#include <cstdint>

#include "config/settings/testdata/fuzz_input.h"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    weir::config::testing::try_input({reinterpret_cast<const char*>(data), size});
    return 0;
}
