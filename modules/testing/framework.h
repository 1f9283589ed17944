#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace weir {

// What the kit needs of a test framework. The CMake target weir::testing sets that of Catch2; with
// another one, call use_test_framework before the first test. Without any, what is wrong is written
// to standard error and ends the program.
struct TestFramework {
    // Says that the running test has failed, and returns: it is called in destructors.
    std::function<void(const std::string& what)> fail;
    // The arguments with which this program runs only the test that runs now, ready for a shell.
    std::function<std::string()> only_this_test;
    // Shows the text with all that fails as long as what is returned lives.
    std::function<std::shared_ptr<void>(const std::string& text)> note;
};

// For the whole process: there is one framework, whatever the number of servers. Returns the one
// that was used before.
TestFramework use_test_framework(TestFramework framework);

// What the framework does, or what is done without one.
void fail_test(const std::string& what);
std::shared_ptr<void> note_for_test(const std::string& text);
// "WEIR_SEED=7 /path/of/the/program 'name of the test'"
std::string command_for_seed(std::uint64_t seed);

}  // namespace weir
