#include "apps/weir/page.h"

#include <catch2/catch.hpp>

namespace weir::app {

TEST_CASE("a line that is too long is broken between words") {
    CHECK(broken_text("one two three", 7, 0) == "one two\nthree");
    CHECK(broken_text("one two three\nfour\n", 8, 2) == "one two\n  three\nfour\n");
    CHECK(broken_text("  one two three", 9) == "  one two\n    three");
}

TEST_CASE("a word that is longer than the line stays whole") {
    CHECK(broken_text("a 0123456789 b", 5, 1) == "a\n 0123456789\n b");
    CHECK(broken_text("0123456789", 5, 1) == "0123456789");
}

TEST_CASE("columns keep the blanks between them, and characters count, not bytes") {
    CHECK(broken_text("name   what it is for", 14, 7) == "name   what it\n       is for");
    CHECK(broken_text("\u00e4\u00e4 \u00f6\u00f6", 5, 0) == "\u00e4\u00e4 \u00f6\u00f6");
}

}  // namespace weir::app
