// Feeds any bytes to the reader, and the result to all functions that work on configurations.
//
// `./dev fuzz` builds and runs it. To try a finding, build/fuzz/fuzz_configuration-crash-...,
// again, run build/fuzz/bin/fuzz_configuration FILE.

#include <cstddef>
#include <cstdint>

#include "config/settings/testdata/fuzz_input.h"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    weir::config::testing::try_input({reinterpret_cast<const char*>(data), size});
    return 0;
}
