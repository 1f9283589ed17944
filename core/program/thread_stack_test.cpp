#include "core/program/thread_stack.h"

#include <catch2/catch.hpp>
#include <sys/mman.h>
#include <unistd.h>

namespace weir {

TEST_CASE("a library that was opened from memory has the name of the memory") {
    const int file = ::memfd_create("/weir-0123ab/bad.so", MFD_CLOEXEC);
    REQUIRE(file >= 0);
    CHECK(library_name(("/proc/self/fd/" + std::to_string(file)).c_str()) == "bad.so");
    ::close(file);
    CHECK(library_name("/usr/lib/libtea.so.1") == "libtea.so.1");
    CHECK(library_name("tea") == "tea");
}

}  // namespace weir
