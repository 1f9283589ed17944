// Makes Catch2 the kit's test framework. The CMake target weir::testing compiles it into each test
// program, so that the library itself needs no Catch2.
#include <catch2/catch.hpp>

#include "modules/testing/framework.h"

namespace {

// Returns the name quoted for a shell, with Catch2's special characters escaped.
std::string quoted(const std::string& name) {
    std::string text = "'";
    for (const char c : name) {
        if (c == '\'') {
            text += "'\\''";
            continue;
        }
        if (c == ',' || c == '[' || c == ']' || c == '"' || c == '*' || c == '\\') {
            text += '\\';
        }
        text += c;
    }
    return text + "'";
}

[[maybe_unused]] const bool used = [] {
    weir::use_test_framework({
        .fail = [](const std::string& what) { FAIL_CHECK(what); },
        .only_this_test = [] { return quoted(Catch::getResultCapture().getCurrentTestName()); },
        .note =
            [](const std::string& text) {
                return std::make_shared<Catch::ScopedMessage>(
                    Catch::MessageBuilder("INFO", CATCH_INTERNAL_LINEINFO, Catch::ResultWas::Info)
                    << text);
            },
    });
    return true;
}();

}  // namespace
