#include "config/settings/settings.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "config/settings/configuration.h"

namespace weir::config {

namespace {

struct Base {
    bool inherited = false;
};

enum class Colour { red, green };

EnumNames<Colour> names_of(Colour) {
    return {{"red", Colour::red}, {"green", Colour::green}};
}

struct Everything : Base {
    std::int8_t tiny = -1;
    std::uint64_t huge = std::numeric_limits<std::uint64_t>::max();
    float real = 0.5F;
    std::vector<bool> flags;
    std::vector<std::vector<int>> matrix;
    std::map<std::string, std::vector<Colour>> colours;
    std::optional<std::vector<std::string>> names;
    std::map<std::string, std::optional<int>> maybe;
    std::variant<bool, std::string> mode = false;
    std::optional<ByteSize> size = kibibytes(1);
    std::chrono::duration<double> time{0.5};
    std::vector<std::chrono::seconds> steps;

    static Settings<Everything> describe() {
        return settings<Everything>(
            "One setting of each type", setting("inherited", &Everything::inherited, "Of the base"),
            setting("tiny", &Everything::tiny, "Few bits"),
            setting("huge", &Everything::huge, "Many bits"),
            setting("real", &Everything::real, "With a fraction").at_most(1.0F),
            setting("flags", &Everything::flags, "True or false").length(0, 3),
            setting("matrix", &Everything::matrix, "Lists of lists").at_least(0),
            setting("colours", &Everything::colours, "By name").one_of({Colour::green}),
            setting("names", &Everything::names, "Lists or nothing").not_empty(),
            setting("maybe", &Everything::maybe, "Numbers or nothing").range(1, 5),
            setting("mode", &Everything::mode, "One or the other"),
            setting("size", &Everything::size, "Bytes").check([](const ByteSize& value) {
                return value.bytes % 2 == 0 ? "" : "is odd";
            }),
            setting("time", &Everything::time, "Of any length")
                .range(std::chrono::duration<double>(-1), std::chrono::duration<double>(1)),
            setting("steps", &Everything::steps, "Several times").at_most(std::chrono::minutes(1)));
    }
};

Everything read(const std::string& text, std::string& wrong) {
    Sources sources;
    sources.files = {{"a.json", "{\"x\": " + text + "}"}};
    Problems problems;
    const auto result = Configuration::load(sources, problems).read<Everything>("x", problems);
    wrong = problems.text();
    return result;
}

Everything read(const std::string& text) {
    std::string wrong;
    Everything result = read(text, wrong);
    CHECK(wrong == "");
    return result;
}

std::string wrong(const std::string& text) {
    std::string result;
    read(text, result);
    return result;
}

}  // namespace

TEST_CASE("members of every type are read and written", "[settings]") {
    const std::string text =
        R"({"inherited":true,"tiny":5,"huge":18446744073709551615,"real":0.25,)"
        R"("flags":[true,false],"matrix":[[1],[],[2,3]],"colours":{"a":["green"]},)"
        R"("names":["x"],"maybe":{"a":1,"b":null},"mode":"fast","size":"2KiB",)"
        R"("time":"250ms","steps":["1s","1m"]})";
    const Everything all = read(text);
    CHECK(all.inherited);
    CHECK(all.tiny == 5);
    CHECK(all.flags == std::vector<bool>{true, false});
    CHECK(all.matrix.at(2).at(1) == 3);
    CHECK(all.colours.at("a").at(0) == Colour::green);
    CHECK(all.names->at(0) == "x");
    CHECK(all.maybe.at("b") == std::nullopt);
    CHECK(std::get<std::string>(all.mode) == "fast");
    CHECK(all.time.count() == 0.25);
    CHECK(to_json(description_of<Everything>().to_json(&all)) == text);
}

TEST_CASE("settings that a file does not give keep their default, also within an optional",
          "[settings]") {
    const Everything all = read(R"({"size": null})");
    CHECK(all.tiny == -1);
    CHECK(all.huge == std::numeric_limits<std::uint64_t>::max());
    CHECK(!all.size);
    CHECK(read("{}").size == kibibytes(1));
}

TEST_CASE("restrictions apply within lists, maps and optionals", "[settings]") {
    CHECK(wrong(R"({"tiny": 128})") == "a.json:1:16: x.tiny: 128 is out of range: -128 to 127\n");
    CHECK(wrong(R"({"real": 1.5})") == "a.json:1:16: x.real: 1.5 is out of range: at most 1\n");
    CHECK(wrong(R"({"flags": [true, true, true, true]})") ==
          "a.json:1:17: x.flags: has 4 elements, expected at most 3 elements\n");
    CHECK(wrong(R"({"matrix": [[1], [0, -1]]})") ==
          "a.json:1:28: x.matrix[1][1]: -1 is out of range: at least 0\n");
    CHECK(wrong(R"({"colours": {"a": ["red"]}})") ==
          "a.json:1:26: x.colours.a[0]: \"red\" is not one of green\n");
    CHECK(wrong(R"({"names": []})") == "a.json:1:17: x.names: must not be empty\n");
    CHECK(wrong(R"({"maybe": {"a": 6}})") == "a.json:1:23: x.maybe.a: 6 is out of range: 1 to 5\n");
    CHECK(wrong(R"({"mode": 5})") ==
          "a.json:1:16: x.mode: expected a boolean or string, found 5\n");
    CHECK(wrong(R"({"size": "3B"})") == "a.json:1:16: x.size: is odd\n");
    CHECK(wrong(R"({"time": "-2s"})") ==
          "a.json:1:16: x.time: \"-2s\" is out of range: -1s to 1s\n");
    CHECK(wrong(R"({"time": "-1s"})") == "");
    CHECK(wrong(R"({"steps": ["2m"]})") ==
          "a.json:1:18: x.steps[0]: \"2m\" is out of range: 0s to 1m\n");
}

TEST_CASE("a check is not called for a value that is wrong already", "[settings]") {
    CHECK(wrong(R"({"size": "3"})") ==
          "a.json:1:16: x.size: expected a size, as \"64KiB\", \"1MB\" or bytes, found the string "
          "\"3\"\n");
}

TEST_CASE("types have readable names", "[settings]") {
    std::string names;
    for (const Setting& setting : description_of<Everything>().settings()) {
        names += setting.name + ": " + setting.type->name() + "; " + setting.type->allowed() + "\n";
    }
    CHECK(names ==
          "inherited: boolean; \n"
          "tiny: integer; \n"
          "huge: integer; \n"
          "real: number; at most 1\n"
          "flags: list of booleans; at most 3 elements\n"
          "matrix: list of lists of integers; at least 0\n"
          "colours: map to lists of names; green\n"
          "names: list of strings or null; not empty\n"
          "maybe: map to integers or null; 1 to 5\n"
          "mode: boolean or string; \n"
          "size: size or null; \n"
          "time: duration; -1s to 1s\n"
          "steps: list of durations; 0s to 1m\n");
}

namespace {

struct Twice {
    int size = 0;
    int length = 0;

    static Settings<Twice> describe() {
        return settings<Twice>("Wrong", setting("size", &Twice::size, "One"),
                               setting("length", &Twice::length, "Other").alias("size"));
    }
};

struct Nameless {
    int size = 0;

    static Settings<Nameless> describe() {
        return settings<Nameless>("Wrong", setting("", &Nameless::size, "One"));
    }
};

struct Inverted {
    std::optional<int> size;

    static Settings<Inverted> describe() {
        return settings<Inverted>("Wrong", setting("size", &Inverted::size, "One").range(10, 5));
    }
};

struct TooShort {
    std::string name;

    static Settings<TooShort> describe() {
        return settings<TooShort>("Wrong", setting("name", &TooShort::name, "One").length(10, 5));
    }
};

struct Outer {
    std::vector<Twice> inner;
    std::vector<Outer> outer;

    static Settings<Outer> describe() {
        return settings<Outer>("Has a wrong one", setting("inner", &Outer::inner, "Wrong"),
                               setting("outer", &Outer::outer, "Itself"));
    }
};

}  // namespace

TEST_CASE("a wrong description throws an error that names the struct and the setting",
          "[settings]") {
    using Catch::EndsWith;
    CHECK_THROWS_WITH(description_of<Twice>(), EndsWith("Twice' describes 'size' twice"));
    CHECK_THROWS_WITH(description_of<Nameless>(),
                      EndsWith("Nameless' describes a member without a name"));
    CHECK_THROWS_WITH(description_of<Inverted>(),
                      EndsWith("Inverted' allows no value of 'size': the upper limit is below the "
                               "lower one"));
    CHECK_THROWS_WITH(description_of<TooShort>(),
                      EndsWith("TooShort' allows no value of 'name': the upper limit is below the "
                               "lower one"));
    CHECK_THROWS_WITH(describe_nested(description_of<Outer>()),
                      EndsWith("Twice' describes 'size' twice"));
}

TEST_CASE("the depth of nested values is limited", "[settings]") {
    std::string text = "1", end;
    for (int depth = 0; depth < 40; ++depth) {
        text = "{\"maybe.a\": " + text + "}";
    }
    CHECK(!wrong(text).empty());
}

}  // namespace weir::config
