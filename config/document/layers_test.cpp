#include "config/document/layers.h"

#include <filesystem>
#include <string>

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include "tests/support/temporary_folder.h"

namespace weir::config {

namespace {

// Returns the layers, one per line with source and content, then the problems.
std::string read(const Sources& sources) {
    Problems problems;
    std::string text;
    for (const Layer& layer : read_layers(sources, problems)) {
        text += layer.source->name + " " + to_json(layer.root) + "\n";
    }
    return text + problems.text();
}

std::string read_text(const std::string& text, const Environment& environment = {}) {
    Sources sources;
    sources.files = {{"a.json", text}};
    sources.environment = environment;
    return read(sources);
}

}  // namespace

TEST_CASE("files come in order, then each --set", "[layers]") {
    const testing::TemporaryFolder folder;
    folder.write("a.json", R"({"x": 1})");
    folder.write("sub/b.json", R"({"x": 2})");
    Sources sources;
    sources.files = {"a.json", "sub/b.json"};
    sources.sets = {"x=3", "y.z=text", "l=[1, 2]"};
    CHECK(read(sources) ==
          "a.json {\"x\":1}\n"
          "sub/b.json {\"x\":2}\n"
          "--set x=... {\"x\":3}\n"
          "--set y.z=... {\"y.z\":\"text\"}\n"
          "--set l=... {\"l\":[1,2]}\n");
}

TEST_CASE("an included file is a layer below the file that includes it", "[layers]") {
    const testing::TemporaryFolder folder;
    folder.write("app.json", R"({"include": ["conf/one.json", "conf/two.json"], "x": 0})");
    folder.write("conf/one.json", R"({"x": 1, "include": "deeper/three.json"})");
    folder.write("conf/two.json", R"({"x": 2})");
    folder.write("conf/deeper/three.json", R"({"x": 3, "include": []})");
    Sources sources;
    sources.files = {"app.json"};
    CHECK(read(sources) ==
          "conf/deeper/three.json {\"x\":3}\n"
          "conf/one.json {\"x\":1}\n"
          "conf/two.json {\"x\":2}\n"
          "app.json {\"x\":0}\n");
}

TEST_CASE("a file that is included twice counts once, at its first inclusion", "[layers]") {
    const testing::TemporaryFolder folder;
    folder.write("app.json", R"({"include": ["a.json", "b.json"]})");
    folder.write("a.json", R"({"include": "base.json", "x": "a"})");
    folder.write("b.json", R"({"include": "./base.json", "y": "b"})");
    folder.write("base.json", R"({"x": "base", "y": "base"})");
    Sources sources;
    sources.files = {"app.json", "app.json"};
    CHECK(read(sources) ==
          "base.json {\"x\":\"base\",\"y\":\"base\"}\n"
          "a.json {\"x\":\"a\"}\n"
          "b.json {\"y\":\"b\"}\n"
          "app.json {}\n");
}

TEST_CASE("files that include each other are reported with the chain", "[layers]") {
    const testing::TemporaryFolder folder;
    folder.write("app.json", R"({"include": "a.json"})");
    folder.write("a.json", "{\n  \"include\": [\"b.json\"]\n}");
    folder.write("b.json", R"({"include": "a.json", "b": 1})");
    folder.write("self.json", R"({"include": "self.json"})");
    Sources sources;
    sources.files = {"app.json", "self.json"};
    CHECK(read(sources) ==
          "b.json {\"b\":1}\n"
          "a.json {}\n"
          "app.json {}\n"
          "self.json {}\n"
          "b.json:1:13: include: files include each other: a.json -> b.json -> a.json\n"
          "self.json:1:13: include: files include each other: self.json -> self.json\n");
}

TEST_CASE("a problem in one file does not hide the problems of other files", "[layers]") {
    const testing::TemporaryFolder folder;
    folder.write("app.json", R"({"include": ["nowhere.json", 5, "list.json", "sub", "", "pipe"],)"
                             "\n \"a\": 1, \"a\": 2, \"$schema\": 7");
    folder.write("list.json", "[1]");
    folder.write("broken.json", "{\"x\": }");
    folder.write("sub/x.json", "{}");
    REQUIRE(mkfifo("pipe", 0600) == 0);
    Sources sources;
    sources.files = {"app.json", "missing.json", "broken.json", "."};
    sources.sets = {"nothing", "=1", "x\xFF=1", "ok=1"};
    CHECK(read(sources) ==
          "app.json {\"a\":1}\n"
          "broken.json {}\n"
          "--set ok=... {\"ok\":1}\n"
          "app.json:1:14: include[0]: nowhere.json cannot be read: No such file or directory\n"
          "app.json:1:30: include[1]: expected a file name, found 5\n"
          "app.json:1:46: include[3]: sub is a folder\n"
          "app.json:1:53: include[4]: expected a file name, found the string \"\"\n"
          "app.json:1:57: include[5]: pipe is not a regular file\n"
          "app.json:2:10: a: the name is there twice, first at line 2, column 2\n"
          "app.json:2:29: $schema: expected a string, found 7\n"
          "app.json:2:30: expected ',' or '}', found the end of the text; the object that begins "
          "at line 1, column 1 is not closed\n"
          "list.json:1:1: expected an object, found a list\n"
          "missing.json: cannot be read: No such file or directory\n"
          "broken.json:1:7: x: expected a value, found '}'\n"
          ".: is a folder\n"
          "--set nothing: expected path=value\n"
          "--set =...: expected path=value\n"
          "--set x\\xff=...: not UTF-8\n");
}

TEST_CASE("the number of files is limited", "[layers]") {
    const testing::TemporaryFolder folder;
    for (int i = 0; i < 10; ++i) {
        folder.write(std::to_string(i) + ".json",
                     "{\"include\": \"" + std::to_string(i + 1) + ".json\"}");
    }
    Sources sources;
    sources.files = {"0.json"};
    sources.limits.files = 3;
    CHECK(read(sources) ==
          "2.json {}\n1.json {}\n0.json {}\n"
          "2.json:1:13: include: 3.json is one too many: at most 3 files\n");
}

TEST_CASE("references to the environment are replaced in strings", "[layers]") {
    const Environment environment = {{"HOST", "example"},
                                     {"EMPTY", ""},
                                     {"N", "6380"},
                                     {"LIST", "[1, \"a\"]"},
                                     {"QUOTED", "\"q\""}};
    CHECK(read_text(R"({"a": "${HOST}", "b": "x-${HOST}-${HOST}:${N}", "c": "$$ $${HOST} $ $x $"})",
                    environment) ==
          R"(a.json {"a":"example","b":"x-example-example:6380","c":"$ ${HOST} $ $x $"})"
          "\n");
    CHECK(read_text(R"({"a": "${NO:-other}", "b": "${EMPTY:-other}", "c": "${EMPTY}", )"
                    R"("d": "${NO:-}", "e": "${HOST:-other}", "f": "${NO:-a:-b $$ ${x}"})",
                    environment) ==
          R"(a.json {"a":"other","b":"other","c":"","d":"","e":"example","f":"a:-b $$ ${x"})"
          "\n");
}

TEST_CASE("a string that is a single reference becomes the JSON that replaces it", "[layers]") {
    const Environment environment = {
        {"N", "6380"}, {"LIST", "[1, \"a\"]"}, {"QUOTED", "\"q\""}, {"T", "true"}};
    CHECK(read_text(R"({"n": "${N}", "l": "${LIST}", "t": "${T}", "d": "${NO:-2.5}", )"
                    R"("q": "${QUOTED}", "s": " ${N}"})",
                    environment) ==
          R"(a.json {"n":6380,"l":[1,"a"],"t":true,"d":2.5,"q":"\"q\"","s":" 6380"})"
          "\n");
}

TEST_CASE("wrong references are reported at their position", "[layers]") {
    const std::string text = read_text(
        "{\"a\": {\"b\": [1, \"${NOWHERE}\"]},\n \"c\": \"${HOST\", \"d\": \"${1X}\",\n"
        " \"e\": \"${}\", \"f\": \"${A B:-1}\", \"g\": \"${BAD}\"}",
        {{"BAD", "\xFF"}});
    CHECK(text.substr(text.find('\n') + 1) ==
          "a.json:1:17: a.b[1]: the environment variable NOWHERE is not set\n"
          "a.json:2:7: c: in \"${HOST\", '}' is missing\n"
          "a.json:2:22: d: \"${1X}\" is not the name of an environment variable ('$$' stands for "
          "'$')\n"
          "a.json:3:7: e: \"${}\" is not the name of an environment variable ('$$' stands for "
          "'$')\n"
          "a.json:3:19: f: \"${A B:-1}\" is not the name of an environment variable ('$$' stands "
          "for '$')\n"
          "a.json:3:37: g: the environment variable BAD is not UTF-8\n");
}

TEST_CASE("replacements from the environment are limited", "[layers]") {
    std::string text = "{\"a\": \"";
    for (int i = 0; i < 1000; ++i) text += "${BIG}";
    Sources sources;
    sources.files = {{"a.json", text + "\"}"}};
    sources.environment = {{"BIG", std::string(100'000, 'x')}};
    CHECK(read(sources).find(": a: with this environment variable, all texts are longer than "
                             "33554432 bytes\n") != std::string::npos);
}

TEST_CASE("the option --set takes JSON, or else text", "[layers]") {
    Sources sources;
    sources.sets = {"a=1",   "b=true", "c=null", "d=\"x\"",    "e={\"f\": [1]}",
                    "g=abc", "h=",     "i=[1",   "j=a=b ${X}", "k=-"};
    CHECK(read(sources) ==
          "--set a=... {\"a\":1}\n"
          "--set b=... {\"b\":true}\n"
          "--set c=... {\"c\":null}\n"
          "--set d=... {\"d\":\"x\"}\n"
          "--set e=... {\"e\":{\"f\":[1]}}\n"
          "--set g=... {\"g\":\"abc\"}\n"
          "--set h=... {\"h\":\"\"}\n"
          "--set i=... {\"i\":\"[1\"}\n"
          "--set j=... {\"j\":\"a=b ${X}\"}\n"
          "--set k=... {\"k\":\"-\"}\n");
}

TEST_CASE("process_environment returns the environment of the process", "[layers]") {
    REQUIRE(setenv("WEIR_TEST_VARIABLE", "a=b", 1) == 0);
    CHECK(process_environment().at("WEIR_TEST_VARIABLE") == "a=b");
    unsetenv("WEIR_TEST_VARIABLE");
}

}  // namespace weir::config
