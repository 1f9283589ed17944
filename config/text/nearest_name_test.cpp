#include "config/text/nearest_name.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace weir::config {

TEST_CASE("edit distance counts insertions, deletions, replacements and swaps, and ignores case",
          "[nearest_name]") {
    CHECK(edit_distance("", "") == 0);
    CHECK(edit_distance("", "abc") == 3);
    CHECK(edit_distance("lock", "lock") == 0);
    CHECK(edit_distance("lokc", "lock") == 1);
    CHECK(edit_distance("kitten", "sitting") == 3);
    CHECK(edit_distance("Poll-Interval", "poll_interval") == 0);
    CHECK(edit_distance("ca", "abc") == 3);
}

TEST_CASE("nearest_name proposes only names that are near", "[nearest_name]") {
    const std::vector<std::string> known = {"lock", "locks", "manager", "process_events", "id"};
    CHECK(nearest_name("lokc", known) == "lock");
    CHECK(nearest_name("mannager", known) == "manager");
    CHECK(nearest_name("processevents", known) == "process_events");
    CHECK(nearest_name("PROCESS-EVENTS", known) == "process_events");
    CHECK(nearest_name("man", known) == "manager");
    CHECK(nearest_name("pr", known).empty());
    CHECK(nearest_name("resp", known).empty());
    CHECK(nearest_name("ip", known).empty());
    CHECK(nearest_name("", known).empty());
    CHECK(nearest_name("lock", {}).empty());
    CHECK(nearest_name(std::string(100'000, 'a'), {std::string(100'001, 'a')}).empty());
}

TEST_CASE("a message about an unknown name proposes the nearest", "[nearest_name]") {
    CHECK(unknown_name("module", "lokc", {"lock"}) ==
          "unknown module 'lokc' (did you mean 'lock'?)");
    CHECK(unknown_name("module", "\x1b", {"lock"}) == "unknown module '\\x1b'");
}

}  // namespace weir::config
