#include "modules/testing/kills.h"

#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "tests/support/temporary_folder.h"

namespace weir {

namespace {

// Five calls: two writes, a sync, a write, and a new name.
void write_and_rename(const Report& report) {
    const int file = ::open("new", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const auto write = [file](std::string_view text) {
        if (::write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
            throw std::runtime_error("a write has failed");
        }
    };
    write("aaaa");
    write("bbbb");
    report("written");
    ::fsync(file);
    report("synced");
    write("cccc");
    ::rename("new", "file");
    report("renamed");
    ::close(file);
}

std::string content(const char* name) {
    std::ifstream file(name);
    return {std::istreambuf_iterator<char>(file), {}};
}

using Reports = std::vector<std::string>;

}  // namespace

TEST_CASE("a run is killed at its n-th write, and what it has said before is known", "[testing]") {
    const config::testing::TemporaryFolder folder;  // also the working folder
    const auto run = [](std::uint64_t nth, Kill how) {
        return run_until_killed(nth, how, write_and_rename);
    };
    CHECK(run(1, Kill::before).reports == Reports());
    CHECK(content("new") == "");
    CHECK(run(2, Kill::before).killed);
    CHECK(content("new") == "aaaa");
    CHECK(run(2, Kill::halfway).killed);
    CHECK(content("new") == "aaaabb");
    CHECK(run(3, Kill::before).reports == Reports{"written"});
    CHECK(content("new") == "aaaabbbb");
    CHECK(run(4, Kill::before).reports == Reports{"written", "synced"});
    CHECK(content("new") == "aaaabbbb");
    CHECK(run(5, Kill::before).reports == Reports{"written", "synced"});
    CHECK(content("new") == "aaaabbbbcccc");
    CHECK(content("file") == "");
    const KilledRun last = run(6, Kill::before);
    CHECK_FALSE(last.killed);
    CHECK(last.reports == Reports{"written", "synced", "renamed"});
    CHECK(content("file") == "aaaabbbbcccc");
}

TEST_CASE("a power loss keeps what was synced, and any part of what was written since",
          "[testing]") {
    const config::testing::TemporaryFolder folder;  // also the working folder
    std::set<std::string> found;
    for (std::uint64_t nth = 1; nth != 30; ++nth) {
        // The third write is not synced; how much of it is kept depends on how often it is tried.
        const auto work = [nth](const Report&) {
            const int file = ::open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
            for (std::uint64_t write = 1; write < nth; ++write) {
                if (::pwrite(file, "aaaa", 4, 0) != 4 || (write + 1 == nth && ::fsync(file) != 0)) {
                    throw std::runtime_error("a write has failed");
                }
            }
            if (::pwrite(file, "bbbb", 4, 2) != 4) {
                throw std::runtime_error("a write has failed");
            }
        };
        const std::uint64_t last = nth == 1 ? 1 : nth + 1;
        CHECK(run_until_killed(last, Kill::power_loss, work).killed);
        found.insert(content("file"));
    }
    CHECK(found.contains("aaaa"));
    CHECK(found.contains("aabb"));
    CHECK(found.contains("aabbbb"));
}

TEST_CASE("a run that fails is no kill", "[testing]") {
    const auto fail = [](const Report&) { throw std::runtime_error("this is part of a test"); };
    CHECK_THROWS_AS(run_until_killed(1, Kill::before, fail), std::runtime_error);
}

}  // namespace weir
