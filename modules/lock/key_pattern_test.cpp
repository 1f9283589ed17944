#include "modules/lock/key_pattern.h"

#include <ctime>
#include <random>

#include <catch2/catch.hpp>

using namespace weir;

namespace {

// The meaning of patterns, without regard to time.
bool matches_slowly(std::string_view pattern, std::string_view key) {
    if (pattern.empty()) {
        return key.empty();
    }
    if (pattern[0] == '*') {
        return matches_slowly(pattern.substr(1), key) ||
               (!key.empty() && matches_slowly(pattern, key.substr(1)));
    }
    const std::size_t escape = pattern[0] == '\\' && pattern.size() > 1 ? 1 : 0;
    return !key.empty() && ((escape == 0 && pattern[0] == '?') || pattern[escape] == key[0]) &&
           matches_slowly(pattern.substr(escape + 1), key.substr(1));
}

bool matches(const std::string& pattern, std::string_view key) {
    return KeyPattern(pattern).matches(key);
}

std::string repeated(std::string_view text, std::size_t length) {
    std::string result;
    while (result.size() + text.size() <= length) {
        result += text;
    }
    return result;
}

}  // namespace

TEST_CASE("patterns match keys") {
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
    CHECK(matches("a\\", "a\\"));
    CHECK(matches("1?", 12));
    CHECK_FALSE(matches("", "a"));
}

TEST_CASE("random patterns match the keys that their meaning says") {
    std::mt19937 random(1);
    const auto text = [&random](std::string_view letters, std::size_t most) {
        std::string result(random() % most, ' ');
        for (char& c : result) {
            c = letters[random() % letters.size()];
        }
        return result;
    };
    int matching = 0;
    for (int i = 0; i != 20'000; ++i) {
        const std::string pattern = text("ab?*\\", 8);
        const std::string key = text("ab?*\\", 10);
        CAPTURE(pattern, key);
        const bool expected = matches_slowly(pattern, key);
        CHECK(matches(pattern, key) == expected);
        matching += expected ? 1 : 0;
    }
    CHECK(matching > 500);
}

TEST_CASE("a piece of a pattern that is longer than a machine word is found") {
    const std::string piece = repeated("a?c", 100);
    const std::string found = repeated("abc", 100);
    CHECK(matches("*" + piece + "*", "xxabx" + found + "xx"));
    CHECK_FALSE(matches("*" + piece + "*", found.substr(1) + "x"));
    CHECK(matches("*" + std::string(200, '?') + "*", std::string(200, 'x')));
    CHECK_FALSE(matches("*" + std::string(200, '?') + "*", std::string(199, 'x')));
}

TEST_CASE("no pattern takes longer than in proportion to the key's length") {
    const std::string key(4'000'000, 'a');
    for (const std::string& pattern :
         {repeated("a*", KeyPattern::longest - 1) + "b", "*" + std::string(254, 'a') + "b",
          "*" + std::string(250, 'a') + "?b*", "*" + repeated("a?", 250) + "b*",
          repeated("*?a", KeyPattern::longest - 2) + "b"}) {
        CAPTURE(pattern);
        const std::clock_t begin = std::clock();
        CHECK_FALSE(matches(pattern, key));
        // In proportion to the product of the lengths it would be 10^9 steps.
        CHECK(std::clock() - begin < CLOCKS_PER_SEC * 8 / 10);
    }
}

TEST_CASE("a pattern is not longer than its limit") {
    CHECK_NOTHROW(KeyPattern(std::string(KeyPattern::longest, 'a')));
    CHECK_THROWS_WITH(KeyPattern(std::string(KeyPattern::longest + 1, 'a')),
                      "the pattern has 257 bytes, more than 256");
}
