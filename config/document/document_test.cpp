#include "config/document/document.h"

#include <sstream>
#include <string>

#include <catch2/catch.hpp>

#include "config/text/quoted.h"
#include "tests/support/approved_text.h"

namespace weir::config {

namespace {

struct Read {
    std::optional<Value> value;
    Problems problems;
};

Read read(const std::string& text, const Limits& limits = {}) {
    Read result;
    Allowance allowance(limits);
    const auto source = std::make_shared<Source>(Source{"a.json"});
    result.value = read_document(text, source, allowance, result.problems);
    return result;
}

std::string place(const Position& position) {
    return std::to_string(position.line) + ":" + std::to_string(position.column);
}

// Prints each value and each name with its position.
void list_places(const Value& value, std::ostream& out) {
    out << place(value.position) << " " << to_json(value) << "\n";
    if (const auto* list = value.get<Value::List>()) {
        for (const Value& element : *list) list_places(element, out);
    } else if (const auto* members = value.get<Value::Object>()) {
        for (const Member& member : *members) {
            out << place(member.position) << " name " << member.name << "\n";
            list_places(member.value, out);
        }
    }
}

std::string places(const std::string& text) {
    const Read result = read(text);
    CHECK(result.problems.text() == "");
    REQUIRE(result.value);
    std::ostringstream out;
    list_places(*result.value, out);
    return out.str();
}

}  // namespace

TEST_CASE("every value and every name has its position", "[document]") {
    CHECK(places("{\n"
                 "  \"a\": 1, \"b\" : [true ,null,\n"
                 "    -2.5e3, \"x\"],\n"
                 "  \"c\": {}\n"
                 "}\n") ==
          "1:1 {\"a\":1,\"b\":[true,null,-2500.0,\"x\"],\"c\":{}}\n"
          "2:3 name a\n"
          "2:8 1\n"
          "2:11 name b\n"
          "2:17 [true,null,-2500.0,\"x\"]\n"
          "2:18 true\n"
          "2:24 null\n"
          "3:5 -2500.0\n"
          "3:13 \"x\"\n"
          "4:3 name c\n"
          "4:8 {}\n");
}

TEST_CASE("positions count characters, not bytes", "[document]") {
    CHECK(places("{\"grün\": 1, \"日本\": \"😀\", \"x\": 2}") ==
          "1:1 {\"grün\":1,\"日本\":\"😀\",\"x\":2}\n"
          "1:2 name grün\n"
          "1:10 1\n"
          "1:13 name 日本\n"
          "1:19 \"😀\"\n"
          "1:24 name x\n"
          "1:29 2\n");
}

TEST_CASE("comments may stand between any two tokens", "[document]") {
    CHECK(places("// first\n"
                 "/* { */ [ /* [ */ 1 // , \n"
                 " , /**/ {\"a\" /* : */ : /* \" */ 2 /* } */ } /***/ ] // end") ==
          "2:9 [1,{\"a\":2}]\n"
          "2:19 1\n"
          "3:9 {\"a\":2}\n"
          "3:10 name a\n"
          "3:32 2\n");
}

TEST_CASE("comments and separators in a string are text", "[document]") {
    CHECK(places("[\"// no /* no */ , : ] \\\" \\u00e4\", 1]") ==
          "1:1 [\"// no /* no */ , : ] \\\" ä\",1]\n"
          "1:2 \"// no /* no */ , : ] \\\" ä\"\n"
          "1:36 1\n");
}

TEST_CASE("a byte order mark is not a character of the text", "[document]") {
    CHECK(places("\xEF\xBB\xBF{\"a\": 1}") ==
          "1:1 {\"a\":1}\n"
          "1:2 name a\n"
          "1:7 1\n");
}

TEST_CASE("a text may be any JSON value", "[document]") {
    CHECK(places("  12 ") == "1:3 12\n");
    CHECK(places("12") == "1:1 12\n");
    CHECK(places("\n\"x\"") == "2:1 \"x\"\n");
}

TEST_CASE("integers keep all their digits", "[document]") {
    const Read result =
        read("[18446744073709551615, -9223372036854775808, 1e2, 36893488147419103232]");
    REQUIRE(result.value);
    const auto& list = *result.value->get<Value::List>();
    CHECK(*list[0].get<std::uint64_t>() == 18446744073709551615U);
    CHECK(*list[1].get<std::int64_t>() == INT64_MIN);
    CHECK(*list[2].get<double>() == 100.0);
    CHECK(*list[3].get<double>() == 36893488147419103232.0);
}

TEST_CASE("duplicate names in an object are all reported, and the first one counts", "[document]") {
    const Read result = read(
        "{\"a\": 1,\n"
        " \"b\": {\"x\": 1, \"y\": 2, \"x\": 3, \"x\": 4},\n"
        " \"a\": 2}");
    CHECK(result.problems.text() ==
          "a.json:2:24: b.x: the name is there twice, first at line 2, column 8\n"
          "a.json:2:32: b.x: the name is there twice, first at line 2, column 8\n"
          "a.json:3:2: a: the name is there twice, first at line 1, column 2\n");
    REQUIRE(result.value);
    CHECK(to_json(*result.value) == R"({"a":1,"b":{"x":1,"y":2}})");
}

TEST_CASE("a reader returns what is before a syntax error", "[document]") {
    const Read result = read("{\"a\": {\"b\": [1, 2, }, \"c\": 3}");
    CHECK(result.problems.size() == 1);
    REQUIRE(result.value);
    CHECK(to_json(*result.value) == R"({"a":{"b":[1,2]}})");
}

TEST_CASE("a syntax error is explained at its position", "[document]") {
    std::string report;
    for (const std::string text : {
             // texts that end too early
             "",
             "  \n// nothing\n",
             "{",
             "{\"a\"",
             "{\"a\":",
             "{\"a\": 1",
             "{\"a\": 1,",
             "[1, 2",
             "{\n  \"server\": {\n    \"queues\": [\n      1\n",
             // commas and colons
             "{\"a\": 1,}",
             "[1, 2,]",
             "[1,, 2]",
             "[,]",
             "{,}",
             "{\"a\" 1}",
             "{\"a\": 1 \"b\": 2}",
             "{\n  \"a\": 1\n  \"b\": 2\n}",
             "[1 2]",
             "{\"a\",\"b\"}",
             "{\"a\"::1}",
             "[1:2]",
             "{\"a\": 1]",
             "[1}",
             "{\"a\": [1, {\"b\": }]}",
             // names
             "{a: 1}",
             "{'a': 1}",
             "{1: 2}",
             "{\"a\": 1, b: 2}",
             "{null: 1}",
             // values
             "{\"a\": b}",
             "{\"a\": True}",
             "{\"a\": nul}",
             "{\"a\": 'b'}",
             "{\"a\": yes}",
             "[NaN]",
             "[undefined]",
             "{\"a\": }",
             "{\"a\": ,}",
             // numbers
             "[01]",
             "[1.]",
             "[.5]",
             "[+1]",
             "[-]",
             "[0x10]",
             "[1e]",
             "[1e999]",
             "[-1e999]",
             "[1_000]",
             // strings
             "[\"abc",
             "[\"abc\n\"]",
             "[\"a\\qb\"]",
             "[\"\\u12G4\"]",
             "[\"\\ud800x\"]",
             "[\"a\tb\"]",
             "{\"ab",
             "[\"abc\\",
             "[\"\\",
             // comments
             "[1 /* 2]",
             "[1 / 2]",
             "# no comment\n[1]",
             "/",
             "[1] /*",
             // more than one value
             "{} {}",
             "1 2",
             "{\"a\": 1}}",
             "[1] x",
             "[1],",
             // characters outside of strings
             "[1,\x01 2]",
             "[\xC3\xA4]",
             "\xEF\xBB\xBF",
             "\xEF\xBB\xBF[\xEF\xBB\xBF]",
         }) {
        const Read result = read(text);
        INFO(text);
        CHECK(result.problems.size() == 1);
        report += in_quotes(text, 100) + "\n    " + result.problems.text();
    }
    testing::check_approved("syntax_errors", report, "config/document/testdata");
}

TEST_CASE("a reader rejects text that is not UTF-8", "[document]") {
    const auto problem = [](const std::string& text) {
        const Read result = read(text);
        CHECK(!result.value);
        return result.problems.text();
    };
    CHECK(problem("{\n \"ä\": \"\xFF\"}") == "a.json:2:8: not UTF-8 here (\\xff)\n");
    CHECK(problem("// \xC3(\n1") == "a.json:1:4: not UTF-8 here (\\xc3)\n");
    CHECK(problem("[\"\xED\xA0\x80\"]") == "a.json:1:3: not UTF-8 here (\\xed)\n");  // surrogate
    CHECK(problem("[\"\xC0\xAF\"]") == "a.json:1:3: not UTF-8 here (\\xc0)\n");      // overlong
    CHECK(problem("[\"\xF4\x90\x80\x80\"]") ==
          "a.json:1:3: not UTF-8 here (\\xf4)\n");                            // too large
    CHECK(problem("[\"\xE2\x82") == "a.json:1:3: not UTF-8 here (\\xe2)\n");  // cut off
    CHECK(problem("\xEF\xBB") == "a.json:1:1: not UTF-8 here (\\xef)\n");
    CHECK(problem(std::string("\xFF\xFE{\0}\0", 6)) ==
          "a.json:1:1: the text is UTF-16, expected UTF-8\n");
    CHECK(problem(std::string("// a\0\n1", 7)) == "a.json:1:5: a byte 0 is not allowed\n");
}

TEST_CASE("a reader rejects text that exceeds a limit", "[document]") {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    CHECK(read(nested(64)).problems.empty());
    CHECK(read(nested(65))
              .problems.text()
              .find(": more than 64 lists and objects within each other\n") != std::string::npos);
    CHECK(read(std::string(1'000'000, '[')).problems.size() == 1);

    Limits limits;
    limits.values = 3;
    CHECK(read("[1, 2]", limits).problems.empty());
    CHECK(read("[1, 2, 3]", limits).problems.text() ==
          "a.json:1:8: [2]: more than 3 values in all files\n");
    CHECK(read("[1, 2, {}]", limits).problems.text() ==
          "a.json:1:8: [2]: more than 3 values in all files\n");

    limits = {};
    limits.text_bytes = 4;
    CHECK(read("[12]", limits).problems.empty());
    CHECK(read("[123]", limits).problems.text() == "a.json: longer than 4 bytes\n");
    limits.all_text_bytes = 3;
    CHECK(read("[12]", limits).problems.text() ==
          "a.json: with this file, all are longer than 3 bytes\n");

    std::string name = "a";
    for (int i = 1; i < 64; ++i) name += ".a";
    CHECK(read("{\"" + name + "\": 1}").problems.empty());
    CHECK(
        read("{\"" + name + ".a\": 1}").problems.text().find(": a name has more than 64 parts\n") !=
        std::string::npos);
}

TEST_CASE("hostile texts cost time in proportion to their length", "[document]") {
    std::string twins = "{";
    for (int i = 0; i < 50'000; ++i) twins += "\"a\":1,";
    const Read many = read(twins + "\"a\":1}");
    CHECK(many.problems.size() == 1000);
    CHECK(many.problems.text().find("and 49000 more\n") != std::string::npos);

    const std::string long_name(1'000'000, 'n');
    CHECK(read("{\"" + long_name + "\": [x]}").problems.text().size() < 300);
    CHECK(read("[\"" + long_name).problems.text().size() < 300);
    CHECK(read("[" + long_name).problems.text().size() < 300);
    CHECK(read("[" + std::string(1'000'000, '9') + "]").problems.size() == 1);
    CHECK(read("[1" + std::string(1'000'000, ' ') + "x").problems.size() == 1);
}

}  // namespace weir::config
