#include "core/program/thread_stack.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/run/scheduler.h"
#include "core/simulation/simulation.h"

namespace weir {

TEST_CASE("a library that was opened from memory has the name of the memory") {
    const int file = ::memfd_create("/weir-0123ab/bad.so", MFD_CLOEXEC);
    REQUIRE(file >= 0);
    CHECK(library_name(("/proc/self/fd/" + std::to_string(file)).c_str()) == "bad.so");
    ::close(file);
    CHECK(library_name("/usr/lib/libtea.so.1") == "libtea.so.1");
    CHECK(library_name("tea") == "tea");
}

TEST_CASE("where libraries come and go, the stacks that are read do not pile up in memory") {
    Simulation world;
    Scheduler scheduler(world);
    ThreadStack stack(scheduler);
    const auto mappings = [] {
        std::ifstream file("/proc/self/maps");
        return std::count(std::istreambuf_iterator<char>(file), {}, '\n');
    };
    std::ptrdiff_t after_some = 0;
    for (int times = 1; times <= 12; ++times) {
        void* const library = ::dlopen("libanl.so.1", RTLD_NOW);
        REQUIRE(library != nullptr);
        ::dlclose(library);
        std::vector<std::string> lines;
        std::thread([&] {
            const bool taken = stack.take(std::chrono::seconds(10));
            lines = taken ? stack.lines() : std::vector<std::string>();
        }).join();
        CHECK_FALSE(lines.empty());
        if (times == 6) {
            after_some = mappings();
        }
    }
    CHECK(mappings() <= after_some + 2);
}

}  // namespace weir
