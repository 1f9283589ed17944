#include "modules/lock/key_pattern.h"

#include <catch2/catch.hpp>

using namespace weir;

TEST_CASE("Patterns match keys") {
    const auto matches = [](const char* pattern, const IndexValue& key) {
        return KeyPattern(pattern).matches(key);
    };
    CHECK(matches("*", ""));
    CHECK(matches("pool/*", "pool/a"));
    CHECK_FALSE(matches("pool/*", "pool"));
    CHECK(matches("*a*b*c", "xxaxxbbxxc"));
    CHECK_FALSE(matches("*a*b*c", "xxaxxbbxx"));
    CHECK(matches("?x", "ax"));
    CHECK_FALSE(matches("?x", "x"));
    CHECK(matches("\\*", "*"));
    CHECK_FALSE(matches("\\*", "a"));
    CHECK(matches("1?", 12));
    CHECK_FALSE(matches("", "a"));
}

TEST_CASE("A hostile pattern takes no time to speak of") {
    std::string pattern;
    for (int i = 0; i != 100; ++i) {
        pattern += "a*";
    }
    CHECK_FALSE(KeyPattern(pattern + "b").matches(std::string_view(std::string(2000, 'a'))));
}
