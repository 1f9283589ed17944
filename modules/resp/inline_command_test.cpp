#include "modules/resp/inline_command.h"

#include <string>

#include <catch2/catch.hpp>

using weir::resp::Request;
using weir::resp::split_inline;

namespace {

Request split(std::string_view line) {
    Request request;
    REQUIRE(split_inline(line, request));
    return request;
}

bool refuses(std::string_view line) {
    Request request;
    return !split_inline(line, request);
}

}  // namespace

TEST_CASE("words of a typed line are separated by any white space") {
    CHECK(split("LOCK key").size() == 2);
    CHECK(split("  LOCK\t key \v") == Request{"LOCK", "key"});
    CHECK(split("").empty());
    CHECK(split(" \t ").empty());
}

TEST_CASE("double quotes hold spaces and escapes") {
    CHECK(split(R"("a b" "")") == Request{"a b", ""});
    CHECK(split(R"("\n\r\t\b\a\\\"\q")") == Request{"\n\r\t\b\a\\\"q"});
    CHECK(split(R"("\x41\xfF\x00")") == Request{std::string_view("A\xff\0", 3)});
    CHECK(split(R"("\x4" "\xg1")") == Request{"x4", "xg1"});
}

TEST_CASE("single quotes hold everything but their own escape") {
    CHECK(split(R"('a "b"' 'it\'s' 'a\n')") == Request{"a \"b\"", "it's", "a\\n"});
}

TEST_CASE("a quote may begin within a word, and ends it") {
    CHECK(split(R"(key="a b")") == Request{"key=a b"});
}

TEST_CASE("quotes that do not fit are refused") {
    CHECK(refuses(R"("a)"));
    CHECK(refuses(R"('a)"));
    CHECK(refuses(R"("a\")"));
    CHECK(refuses(R"("a"b)"));
    CHECK(refuses(R"('a'b)"));
    CHECK(refuses("\"\\"));
}
