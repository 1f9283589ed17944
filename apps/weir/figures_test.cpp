#include "apps/weir/figures.h"

#include <catch2/catch.hpp>

namespace weir::app {

TEST_CASE("figures: a duration is shown in its two largest units") {
    CHECK(duration_text(0) == "0 s");
    CHECK(duration_text(0.25) == "0.25 s");
    CHECK(duration_text(17.34) == "17.3 s");
    CHECK(duration_text(307.9) == "5 min 7 s");
    CHECK(duration_text(26 * 3600 + 185) == "26 h 3 min");
    CHECK(duration_text(12 * 86400 + 5 * 3600) == "12 d 5 h");
}

TEST_CASE("figures: a size is shown in the largest unit that it fills") {
    CHECK(size_text(0) == "0 B");
    CHECK(size_text(1023) == "1023 B");
    CHECK(size_text(1024) == "1 KiB");
    CHECK(size_text(1536) == "1.5 KiB");
    CHECK(size_text(1024.0 * 1024 * 1024 * 1024) == "1024 GiB");
}

TEST_CASE("figures: a number is shown with three digits, and a small number whole") {
    CHECK(figure(0) == "0");
    CHECK(figure(0.5) == "0.5");
    CHECK(figure(1234) == "1234");
    CHECK(figure(56789) == "56.8k");
    CHECK(figure(1234567) == "1.23M");
}

TEST_CASE("figures: what a server says cannot act on the terminal") {
    CHECK(shown("a\x1b[31mb") == "a\\x1b[31mb");
}

TEST_CASE("figures: JSON cannot act on the terminal, and means the same") {
    CHECK(printable_json("{\n  \"a\": \"\u00fc\"\n}") == "{\n  \"a\": \"\u00fc\"\n}");
    CHECK(printable_json("\"\x1b\x7f\u009b\u202e\"") == "\"\\u001b\\u007f\\u009b\\u202e\"");
    CHECK(printable_json("\"\xff\"") == "\"\ufffd\"");
}

}  // namespace weir::app
