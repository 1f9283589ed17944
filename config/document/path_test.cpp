#include "config/document/path.h"

#include <string>

#include <catch2/catch.hpp>

#include "config/document/problems.h"

namespace weir::config {

TEST_CASE("the text of a path reads back as the path", "[path]") {
    for (const std::string text :
         {"server", "server.queues[3].event", "module.lock.semaphores[\"db.main\"]", "[0][1]",
          "a[\"\"].b", "a[\"x y\"][2]", "$schema"}) {
        CHECK(Path(text).text() == text);
    }
    const Path path("server.queues[3].event");
    REQUIRE(path.size() == 4);
    CHECK(std::get<std::string>(path.steps()[1]) == "queues");
    CHECK(std::get<std::size_t>(path.steps()[2]) == 3);
    CHECK(std::get<std::string>(Path("a[\"b\\\"c.d\"]").steps()[1]) == "b\"c.d");
    CHECK(Path("").empty());
}

TEST_CASE("any text is some path", "[path]") {
    for (const std::string text : {".", "..", "a..b", "[", "[x]", "[\"", "[\"a", "a[", "]", "[-1]",
                                   "[99999999999999999999999]", "a.[", "[\"a\\"}) {
        CHECK_NOTHROW(Path(text).text());
    }
}

TEST_CASE("the slash joins two paths", "[path]") {
    CHECK((Path("module.lock") / Path("limits.total")).text() == "module.lock.limits.total");
}

TEST_CASE("problems are sorted by source and position, and equal ones count once", "[problems]") {
    const auto one = std::make_shared<Source>(Source{"one.json", 0});
    const auto two = std::make_shared<Source>(Source{"a-two.json", 1});
    const auto set = std::make_shared<Source>(Source{"--set a=1", 2, true});
    Problems problems;
    problems.add({set, 1, 1}, "a", "wrong by --set");
    problems.add({two, 1, 1}, "a", "wrong in two");
    problems.add({one, 10, 1}, "a", "wrong late");
    problems.add({one, 2, 30}, "a", "wrong at the end of line 2");
    problems.add({one, 2, 4}, "a", "wrong early");
    problems.add({one, 2, 4}, "a", "wrong early");
    problems.add({one, 0, 0}, {}, "wrong as a whole");
    problems.add({}, {}, "wrong anyway");
    CHECK(problems.text() ==
          "wrong anyway\n"
          "one.json: wrong as a whole\n"
          "one.json:2:4: a: wrong early\n"
          "one.json:2:30: a: wrong at the end of line 2\n"
          "one.json:10:1: a: wrong late\n"
          "a-two.json:1:1: a: wrong in two\n"
          "--set a=1: a: wrong by --set\n");
    CHECK(problems.size() == 7);
}

TEST_CASE("problems beyond the limit are counted, but not kept", "[problems]") {
    Problems problems(2);
    CHECK(problems.empty());
    for (const char* what : {"a", "b", "c", "d"}) problems.add({}, {}, what);
    CHECK(problems.text() == "a\nb\nand 2 more\n");
}

}  // namespace weir::config
