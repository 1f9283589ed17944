// Makes Catch2 the test framework of the kit. Compiled into each test program by the CMake target
// weir::testing, so that the library itself needs no Catch2.
#include <catch2/catch.hpp>

#include "modules/testing/framework.h"

namespace {

// As an argument for Catch2, in which some characters mean something, and for a shell.
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
