#include "modules/lock/key_pattern.h"

#include <catch2/catch.hpp>

using namespace weir;

TEST_CASE("a pattern matches a key that is no text as listings show it") {
    CHECK(KeyPattern("pool/*").matches(IndexValue("pool/a")));
    CHECK(KeyPattern("1?").matches(IndexValue(12)));
    CHECK_FALSE(KeyPattern("1?").matches(IndexValue(123)));
    CHECK_FALSE(KeyPattern("").matches(IndexValue("a")));
}
