#include "config/text/quoted.h"

#include <string>

#include <catch2/catch.hpp>

#include "config/text/utf8.h"

namespace weir::config {

TEST_CASE("a user's text is safe to print", "[quoted]") {
    CHECK(in_quotes("a \"b\" \\ c") == R"("a \"b\" \\ c")");
    CHECK(printable("a \"b\" \\ c") == R"(a "b" \ c)");
    CHECK(in_quotes("line\nand\ttab") == R"("line\nand\ttab")");
    CHECK(in_quotes(std::string("\x1b[31m\0\x7f", 7)) == R"("\x1b[31m\x00\x7f")");
    CHECK(in_quotes("grün 日本 😀") == "\"grün 日本 😀\"");
    CHECK(in_quotes("no\xFF\xC3 text") == R"("no\xff\xc3 text")");
    CHECK(in_quotes("\xE2\x80\xAE turned") == R"("\xe2\x80\xae turned")");
    CHECK(in_quotes("\xC2\x9B") == R"("\xc2\x9b")");
}

TEST_CASE("long text is cut between characters", "[quoted]") {
    CHECK(in_quotes("日本語", 2) == "\"日本...\"");
    CHECK(in_quotes("日本", 2) == "\"日本\"");
    CHECK(in_quotes(std::string(1000, 'x')) == "\"" + std::string(60, 'x') + "...\"");
    CHECK(printable("\n\n\n", 2) == "\\n\\n...");
}

TEST_CASE("UTF-8 lengths and counts are in characters", "[utf8]") {
    CHECK(utf8_length("") == 0);
    CHECK(utf8_length("a") == 1);
    CHECK(utf8_length("ä") == 2);
    CHECK(utf8_length("日") == 3);
    CHECK(utf8_length("😀") == 4);
    CHECK(utf8_length("\x80") == 0);
    CHECK(utf8_length("\xF5\x80\x80\x80") == 0);
    CHECK(utf8_prefix("ab\xE6\x97") == 2);
    CHECK(utf8_count("aä日😀") == 4);
}

}  // namespace weir::config
