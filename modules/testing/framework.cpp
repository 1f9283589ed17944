#include "modules/testing/framework.h"

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <utility>

namespace weir {

namespace {

TestFramework& framework() {
    static TestFramework used;
    return used;
}

}  // namespace

TestFramework use_test_framework(TestFramework used) {
    return std::exchange(framework(), std::move(used));
}

void fail_test(const std::string& what) {
    if (framework().fail) {
        framework().fail(what);
        return;
    }
    std::cerr << "weir: a test fails: " << what << std::endl;
    std::abort();
}

std::shared_ptr<void> note_for_test(const std::string& text) {
    return framework().note ? framework().note(text) : nullptr;
}

std::string command_for_seed(std::uint64_t seed) {
    std::error_code unknown;
    const std::string program = std::filesystem::read_symlink("/proc/self/exe", unknown).string();
    const std::string arguments =
        framework().only_this_test ? " " + framework().only_this_test() : std::string();
    return "WEIR_SEED=" + std::to_string(seed) + " " + program + arguments;
}

}  // namespace weir
