#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace weir {

/// What the kit needs of a test framework. The CMake target weir::testing uses Catch2; with another
/// framework, call use_test_framework() before the first test. Without a framework, a failure is
/// written to standard error and ends the program.
struct TestFramework {
    /// Marks the running test as failed and returns, because destructors call it.
    std::function<void(const std::string& what)> fail;
    /// Returns the arguments with which this program runs only the current test, quoted for a
    /// shell.
    std::function<std::string()> only_this_test;
    /// Shows the text with every failure while the returned object lives.
    std::function<std::shared_ptr<void>(const std::string& text)> note;
};

/// Sets the framework of the whole process, for all servers. Returns the previous one.
TestFramework use_test_framework(TestFramework framework);

/// Call the framework, or do the same without one.
void fail_test(const std::string& what);
std::shared_ptr<void> note_for_test(const std::string& text);
/// Returns "WEIR_SEED=7 /path/of/the/program 'name of the test'".
std::string command_for_seed(std::uint64_t seed);

}  // namespace weir
