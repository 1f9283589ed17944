#include "modules/files/changes.h"

#include <array>
#include <chrono>
#include <new>

#include <catch2/catch.hpp>

#include "modules/testing/allocations.h"

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

// The changes that are due; they are told then.
All take(Changes& changes, Time now) {
    const All ready = changes.ready(now);
    for (const Change& change : ready) {
        changes.told(change, Changes::note_of(change));
    }
    return ready;
}

}  // namespace

TEST_CASE("a change is told when its file has stayed the same for the time") {
    Changes changes(rules);
    CHECK(changes.next_due() == std::nullopt);
    changes.look("a", file(7, 1), at(0ms));
    changes.look("a", file(7, 2), at(90ms));
    CHECK(changes.next_due() == at(190ms));
    CHECK(changes.due(at(189ms)).empty());
    CHECK(take(changes, at(189ms)).empty());
    CHECK(changes.due(at(190ms)) == std::vector<std::string>{"a"});
    CHECK(take(changes, at(190ms)) == All{change(ChangeKind::made, "a", file(7, 2))});
    CHECK(take(changes, at(1h)).empty());
    changes.look("a", file(7, 2), at(1h));
    CHECK(changes.unsettled() == 0);
    changes.look("a", file(8, 2), at(1h));
    CHECK(take(changes, at(1h + 100ms)) == All{change(ChangeKind::written, "a", file(8, 2))});
    changes.look("a", std::nullopt, at(2h));
    CHECK(take(changes, at(2h + 100ms)) == All{change(ChangeKind::removed, "a", file(8, 2))});
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
    CHECK(take(changes, at(12s + 50ms)) == All{change(ChangeKind::made, "a", file(1, 10))});
}

TEST_CASE("what is undone in time is no change") {
    Changes changes(rules);
    changes.begin("old", file(1), false, at(0ms));
    changes.look("temporary", file(2), at(0ms));
    changes.look("temporary", std::nullopt, at(10ms));
    changes.look("old", std::nullopt, at(0ms));
    changes.look("old", file(1), at(10ms));
    CHECK(take(changes, at(1s)).empty());
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
    CHECK(take(changes, at(100ms)).empty());
    CHECK(changes.next_due() == at(130ms));
    CHECK(take(changes, at(130ms)) == All{change(ChangeKind::moved, "c", file(1), "a"),
                                          change(ChangeKind::moved, "d", file(2), "b")});
    CHECK(changes.unsettled() == 0);
    CHECK(changes.names_below("") == std::vector<std::string>{"c", "d"});
}

TEST_CASE("files that are there at the beginning are told or not, as it is wanted") {
    Changes changes(rules);
    changes.begin("silent", file(1), false, at(0ms));
    changes.begin("told", file(2), true, at(0ms));
    CHECK(take(changes, at(100ms)) == All{change(ChangeKind::found, "told", file(2))});
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

TEST_CASE("as many files as the limit allows may all change, and then be renamed, at once") {
    Changes changes(rules);
    for (std::uint64_t number = 0; number != 5; ++number) {
        changes.begin("old" + std::to_string(number), file(number), false, at(0ms));
    }
    changes.look("new0", file(10), at(0ms));
    CHECK(changes.beyond() == 1);
    for (std::uint64_t number = 0; number != 5; ++number) {
        changes.look("old" + std::to_string(number), file(number, 2), at(0ms));
    }
    CHECK(take(changes, at(1s)).size() == 5);
    for (std::uint64_t number = 0; number != 5; ++number) {
        changes.written("old" + std::to_string(number), at(2s));
        changes.look("old" + std::to_string(number), std::nullopt, at(2s));
        changes.look("new" + std::to_string(number), file(number, 2), at(2s));
    }
    const All moved = take(changes, at(3s));
    REQUIRE(moved.size() == 5);
    for (std::uint64_t number = 0; number != 5; ++number) {
        CHECK(moved[number] == change(ChangeKind::moved, "new" + std::to_string(number),
                                      file(number, 2), "old" + std::to_string(number)));
    }
    CHECK(changes.beyond() == 1);
}

TEST_CASE("a file that is gone leaves room for another one, also before that is told") {
    Changes changes(rules);
    for (std::uint64_t number = 0; number != 3; ++number) {
        changes.begin(std::to_string(number), file(number), false, at(0ms));
    }
    for (int round = 0; round != 20; ++round) {
        const std::string name = "temporary" + std::to_string(round);
        changes.written(name, at(0ms));
        changes.look(name, std::nullopt, at(0ms));
        changes.look(name, file(9), at(0ms));
        changes.look(name, std::nullopt, at(0ms));
    }
    CHECK(changes.unsettled() == 0);
    changes.look("0", std::nullopt, at(0ms));
    for (std::uint64_t number = 3; number != 6; ++number) {
        changes.look(std::to_string(number), file(number), at(0ms));
    }
    CHECK(changes.beyond() == 0);
    changes.look("6", file(6), at(0ms));
    CHECK(changes.beyond() == 1);
    CHECK(take(changes, at(1s)).size() == 4);
    CHECK(changes.files() == 5);
    changes.look("6", file(6), at(2s));
    CHECK(changes.beyond() == 2);
    changes.look("0", std::nullopt, at(2s));
    changes.look("1", std::nullopt, at(2s));
    changes.look("6", file(6), at(2s));
    CHECK(take(changes, at(3s)).size() == 2);
    CHECK(changes.beyond() == 2);
}

TEST_CASE("a change that is not told stays due, as what it was") {
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
        const All ready = changes.ready(at(1s));
        REQUIRE(ready.size() == 1);
        CHECK(ready[0].kind == kind);
        CHECK(take(changes, at(2s)) == ready);
        CHECK(take(changes, at(3s)).empty());
        CHECK(changes.unsettled() == 0);
    }
}

TEST_CASE("of two names of a file that was moved, one is told as moved") {
    Changes changes(rules);
    changes.begin("a", file(1), false, at(0ms));
    changes.look("a", std::nullopt, at(0ms));
    changes.look("b", file(1), at(0ms));
    changes.look("c", file(1), at(0ms));
    CHECK(take(changes, at(1s)) == All{change(ChangeKind::moved, "b", file(1), "a"),
                                       change(ChangeKind::made, "c", file(1))});
}

namespace {

// Repeats a call for which there is no memory, as a watch does.
template <class F>
void insist(F call) {
    for (;;) {
        try {
            call();
            return;
        } catch (const std::bad_alloc&) {
        }
    }
}

}  // namespace

TEST_CASE("no change is lost when memory runs out") {
    fail_each_allocation([](AllocationFailure& failure) {
        Changes changes(rules);
        std::array<int, 5> told{};
        failure.arm();
        insist([&] { changes.begin("a_long_name_of_a_file", file(1), false, at(0ms)); });
        insist([&] { changes.begin("another_long_name_of_a_file", file(2), true, at(0ms)); });
        insist([&] { changes.written("a_third_long_name_of_a_file", at(0ms)); });
        insist([&] { changes.look("a_third_long_name_of_a_file", file(3), at(0ms)); });
        insist([&] { changes.look("a_long_name_of_a_file", std::nullopt, at(0ms)); });
        insist([&] { changes.look("a_long_name_that_is_new", file(1), at(0ms)); });
        insist([&] {
            for (const Change& change : changes.ready(at(1min))) {
                changes.told(change, Changes::note_of(change));
                ++told.at(static_cast<std::size_t>(change.kind));
            }
        });
        failure.disarm();
        const AllocationPause pause;
        INFO(failure.where());
        CHECK(told == std::array{1, 1, 0, 1, 0});
        CHECK(changes.unsettled() == 0);
        CHECK(changes.files() == 3);
    });
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
