#include "modules/files/lines.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace weir::files {
namespace {

// All lines of the text, which comes in pieces of `piece` bytes, as "text", or "text..." if cut.
std::vector<std::string> lines_of(const std::string& text, std::size_t piece, std::size_t longest) {
    Lines lines(longest);
    std::vector<std::string> all;
    std::uint64_t bytes = 0;
    const auto add = [&](const Lines::Line& line) {
        all.push_back(line.text + (line.cut ? "..." : ""));
        bytes += line.bytes;
    };
    for (std::size_t at = 0; at < text.size(); at += piece) {
        lines.add(text.substr(at, piece));
        while (const auto line = lines.next()) {
            add(*line);
        }
    }
    if (const auto rest = lines.rest()) {
        add(*rest);
    }
    CHECK(bytes == text.size());
    CHECK(!lines.rest());
    return all;
}

}  // namespace

TEST_CASE("lines are the same in whatever pieces they come, and their bytes are counted") {
    const std::string text = "one\n\n" + std::string(50, 'x') + "\n0123456789\n0123456789a\nend";
    for (std::size_t piece = 1; piece != text.size() + 1; ++piece) {
        CHECK(lines_of(text, piece, 10) == std::vector<std::string>{"one", "", "xxxxxxxxxx...",
                                                                    "0123456789", "0123456789...",
                                                                    "end"});
    }
}

TEST_CASE("a line that ends as on Windows is told without its end, in whatever pieces it comes") {
    const std::string text =
        "one\r\n\r\na\rb\r\n0123456789\r\n0123456789a\r\n0123456789\r\r\nend\r";
    for (std::size_t piece = 1; piece != text.size() + 1; ++piece) {
        CHECK(lines_of(text, piece, 10) == std::vector<std::string>{"one", "", "a\rb", "0123456789",
                                                                    "0123456789...",
                                                                    "0123456789...", "end\r"});
    }
}

TEST_CASE("a line that is no JSON, or is nested too deeply, stays the text that it is") {
    CHECK(json_of_line(R"({"a": [1]})") ==
          config::Value::object().add("a", config::Value::list().add(1)));
    const std::string deep = std::string(100, '[') + std::string(100, ']');
    for (const std::string& line : {std::string("no JSON"), std::string(), std::string("\xff"),
                                    std::string("1e999"), deep, std::string(100'000, '[')}) {
        CHECK(json_of_line(line) == config::Value(line));
    }
}

TEST_CASE("a rest without an end is a line of its own when it is asked for") {
    Lines lines(100);
    lines.add("a\nb");
    CHECK(lines.next()->text == "a");
    CHECK(!lines.next());
    lines.add("c");
    CHECK(!lines.next());
    CHECK(lines.rest()->text == "bc");
    lines.add("d");
    lines.clear();
    CHECK(!lines.rest());
}

}  // namespace weir::files
