// Feeds any bytes to the reader, and what it makes of them to all that works on configurations.
//
// Built with clang and -DWEIR_FUZZ=ON. To run it for a minute, from the build folder:
//     bin/fuzz_configuration -max_total_time=60 -dict=<source>/tests/fuzz/config/json.dict
//         <folder for new inputs> <source>/tests/fuzz/config/corpus

#include <cstddef>
#include <cstdint>

#include "config/testdata/fuzz_input.h"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    weir::config::testing::try_input({reinterpret_cast<const char*>(data), size});
    return 0;
}
