#include "core/base/glob.h"

#include <ctime>
#include <random>

#include <catch2/catch.hpp>

using namespace weir;

namespace {

// The meaning of patterns, without regard to time.
bool matches_slowly(std::string_view pattern, std::string_view text) {
    if (pattern.empty()) {
        return text.empty();
    }
    if (pattern[0] == '*') {
        return matches_slowly(pattern.substr(1), text) ||
               (!text.empty() && matches_slowly(pattern, text.substr(1)));
    }
    const std::size_t escape = pattern[0] == '\\' && pattern.size() > 1 ? 1 : 0;
    return !text.empty() && ((escape == 0 && pattern[0] == '?') || pattern[escape] == text[0]) &&
           matches_slowly(pattern.substr(escape + 1), text.substr(1));
}

bool matches(const std::string& pattern, std::string_view text) {
    return Glob(pattern).matches(text);
}

std::string repeated(std::string_view text, std::size_t length) {
    std::string result;
    while (result.size() + text.size() <= length) {
        result += text;
    }
    return result;
}

}  // namespace

TEST_CASE("patterns match texts") {
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
    CHECK_FALSE(matches("", "a"));
}

TEST_CASE("random patterns match the texts that their meaning says") {
    std::mt19937 random(1);
    const auto random_text = [&random](std::string_view letters, std::size_t most) {
        std::string result(random() % most, ' ');
        for (char& c : result) {
            c = letters[random() % letters.size()];
        }
        return result;
    };
    int matching = 0;
    for (int i = 0; i != 20'000; ++i) {
        const std::string pattern = random_text("ab?*\\", 8);
        const std::string text = random_text("ab?*\\", 10);
        CAPTURE(pattern, text);
        const bool expected = matches_slowly(pattern, text);
        CHECK(matches(pattern, text) == expected);
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

TEST_CASE("no pattern takes longer than in proportion to the text's length") {
    const std::string text(4'000'000, 'a');
    for (const std::string& pattern :
         {repeated("a*", Glob::longest - 1) + "b", "*" + std::string(254, 'a') + "b",
          "*" + std::string(250, 'a') + "?b*", "*" + repeated("a?", 250) + "b*",
          repeated("*?a", Glob::longest - 2) + "b"}) {
        CAPTURE(pattern);
        const std::clock_t begin = std::clock();
        CHECK_FALSE(matches(pattern, text));
        // In proportion to the product of the lengths it would be 10^9 steps.
        CHECK(std::clock() - begin < CLOCKS_PER_SEC * 8 / 10);
    }
}

TEST_CASE("a pattern is not longer than its limit") {
    CHECK_NOTHROW(Glob(std::string(Glob::longest, 'a')));
    CHECK_THROWS_WITH(Glob(std::string(Glob::longest + 1, 'a')),
                      "the pattern has 257 bytes, more than 256");
}
