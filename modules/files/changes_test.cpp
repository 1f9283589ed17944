#include "modules/files/changes.h"

#include <chrono>

#include <catch2/catch.hpp>

namespace weir::files {
namespace {

using namespace std::chrono_literals;

Time at(Duration time) {
    return Time(time);
}

const Changes::Rules rules{100ms, 10s, 5};

Seen file(std::uint64_t number, std::uint64_t size = 1) {
    return {1, number, size, static_cast<std::int64_t>(size)};
}

Change change(ChangeKind kind, const std::string& path, const Seen& seen,
              const std::string& from = "") {
    return {kind, path, from, seen};
}

using All = std::vector<Change>;

}  // namespace

TEST_CASE("a change is told when its file has stayed the same for the time") {
    Changes changes(rules);
    CHECK(changes.next_due() == std::nullopt);
    changes.look("a", file(7, 1), at(0ms));
    changes.look("a", file(7, 2), at(90ms));
    CHECK(changes.next_due() == at(190ms));
    CHECK(changes.due(at(189ms)).empty());
    CHECK(changes.take(at(189ms)).empty());
    CHECK(changes.due(at(190ms)) == std::vector<std::string>{"a"});
    CHECK(changes.take(at(190ms)) == All{change(ChangeKind::made, "a", file(7, 2))});
    CHECK(changes.take(at(1h)).empty());
    changes.look("a", file(7, 2), at(1h));
    CHECK(changes.unsettled() == 0);
    changes.look("a", file(8, 2), at(1h));
    CHECK(changes.take(at(1h + 100ms)) == All{change(ChangeKind::written, "a", file(8, 2))});
    changes.look("a", std::nullopt, at(2h));
    CHECK(changes.take(at(2h + 100ms)) == All{change(ChangeKind::removed, "a", file(8, 2))});
    CHECK(changes.files() == 0);
}

TEST_CASE("a file that is open for writing is told when it is closed, or unchanged for long") {
    Changes changes(rules);
    changes.written("a", at(0ms));
    changes.look("a", file(1, 10), at(1ms));
    CHECK(changes.next_due() == at(10s + 1ms));
    changes.closed("a", at(2s));
    CHECK(changes.next_due() == at(2s + 100ms));
    changes.written("a", at(2s + 50ms));
    CHECK(changes.next_due() == at(12s + 50ms));
    CHECK(changes.take(at(12s + 50ms)) == All{change(ChangeKind::made, "a", file(1, 10))});
}

TEST_CASE("what is undone in time is no change") {
    Changes changes(rules);
    changes.begin("old", file(1), false, at(0ms));
    changes.look("temporary", file(2), at(0ms));
    changes.look("temporary", std::nullopt, at(10ms));
    changes.look("old", std::nullopt, at(0ms));
    changes.look("old", file(1), at(10ms));
    CHECK(changes.take(at(1s)).empty());
    CHECK(changes.unsettled() == 0);
    CHECK(changes.files() == 1);
}

TEST_CASE("a file that goes here and comes there was moved, whichever is seen first") {
    Changes changes(rules);
    changes.begin("a", file(1), false, at(0ms));
    changes.begin("b", file(2), false, at(0ms));
    changes.look("a", std::nullopt, at(0ms));
    changes.look("c", file(1), at(30ms));
    changes.look("d", file(2), at(30ms));
    changes.look("b", std::nullopt, at(40ms));
    CHECK(changes.take(at(100ms)).empty());
    CHECK(changes.next_due() == at(130ms));
    CHECK(changes.take(at(130ms)) == All{change(ChangeKind::moved, "c", file(1), "a"),
                                         change(ChangeKind::moved, "d", file(2), "b")});
    CHECK(changes.unsettled() == 0);
    CHECK(changes.names_below("") == std::vector<std::string>{"c", "d"});
}

TEST_CASE("files that are there at the beginning are told or not, as it is wanted") {
    Changes changes(rules);
    changes.begin("silent", file(1), false, at(0ms));
    changes.begin("told", file(2), true, at(0ms));
    CHECK(changes.take(at(100ms)) == All{change(ChangeKind::found, "told", file(2))});
    CHECK(changes.files() == 2);
}

TEST_CASE("files beyond the limit are counted and not told") {
    Changes changes(rules);
    for (std::uint64_t number = 0; number != 7; ++number) {
        changes.look(std::to_string(number), file(number), at(0ms));
        changes.written("more" + std::to_string(number), at(0ms));
    }
    CHECK(changes.unsettled() == 5);
    CHECK(changes.beyond() == 4);
}

TEST_CASE("a change that could not be told is told later, as what it was") {
    for (const ChangeKind kind : {ChangeKind::found, ChangeKind::made, ChangeKind::written,
                                  ChangeKind::moved, ChangeKind::removed}) {
        Changes changes(rules);
        changes.begin("old", file(1), false, at(0ms));
        if (kind == ChangeKind::found) {
            changes.begin("new", file(2), true, at(0ms));
        } else if (kind == ChangeKind::made) {
            changes.look("new", file(2), at(0ms));
        } else if (kind == ChangeKind::written) {
            changes.look("old", file(1, 9), at(0ms));
        } else {
            changes.look("old", std::nullopt, at(0ms));
        }
        if (kind == ChangeKind::moved) {
            changes.look("new", file(1), at(0ms));
        }
        const All told = changes.take(at(1s));
        REQUIRE(told.size() == 1);
        CHECK(told[0].kind == kind);
        changes.put_back(told[0], at(1s));
        CHECK(changes.take(at(1s)) == told);
        CHECK(changes.take(at(2s)).empty());
    }
}

TEST_CASE("names below a folder are those of its files, and of no other folder") {
    Changes changes(rules);
    changes.begin("a/1", file(1), false, at(0ms));
    changes.begin("ab/2", file(2), false, at(0ms));
    changes.look("a/3", file(3), at(0ms));
    CHECK(changes.names_below("a/") == std::vector<std::string>{"a/1", "a/3"});
    CHECK(changes.names_below("").size() == 3);
}

}  // namespace weir::files
