#include "core/base/ascii.h"

#include <catch2/catch.hpp>

using namespace weir;

TEST_CASE("letters of ASCII become small, and all other bytes stay as they are") {
    CHECK(in_lower_case("AZaz09 @[`{\xC3\x84") == "azaz09 @[`{\xC3\x84");
    CHECK(in_lower_case("").empty());
    CHECK(ascii_lower('Q') == 'q');
    CHECK(ascii_lower('\xC4') == '\xC4');
}
