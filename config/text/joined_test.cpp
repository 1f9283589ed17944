#include "config/text/joined.h"

#include <catch2/catch.hpp>

using namespace weir::config;

TEST_CASE("joined: texts are joined by the separator, which stands only between them") {
    CHECK(joined({"a", "b", "c"}) == "a, b, c");
    CHECK(joined({"a", "b"}, "; ") == "a; b");
    CHECK(joined({"", "b", ""}) == ", b, ");
    CHECK(joined({"a"}) == "a");
    CHECK(joined({}).empty());
}
