#include "modules/zookeeper/session_file.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>

#include <catch2/catch.hpp>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/support/temporary_folder.h"

using namespace weir;
using namespace weir::zookeeper;

namespace {

const std::string servers = "tcp://zk1:2181,tcp://zk2:2181";
const SessionKey key{-0x1234567890abcdef, std::string("\0\xff secret", 9)};

std::size_t files_in(const std::filesystem::path& folder) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

}  // namespace

TEST_CASE(
    "the session of a process that has died is found, once, and that of a living one is not") {
    const config::testing::TemporaryFolder folder;
    const std::filesystem::path here = std::filesystem::current_path();
    const std::filesystem::path below = here / "state";
    CHECK(SessionFile::left_behind(below, servers).empty());
    std::optional<SessionFile> ours(std::in_place, below, servers);
    ours->write({7, "before"});
    ours->write(key);
    CHECK(SessionFile::left_behind(below, servers).empty());
    ours.reset();  // as the end of a process does
    {
        const std::vector<SessionFile> left = SessionFile::left_behind(below, servers);
        REQUIRE(left.size() == 1);
        REQUIRE(left[0].read());
        CHECK(left[0].read()->id == key.id);
        CHECK(left[0].read()->password == key.password);
        CHECK(SessionFile::left_behind(below, servers).empty());  // another process has it
    }
    std::vector<SessionFile> left = SessionFile::left_behind(below, servers);
    REQUIRE(left.size() == 1);
    left[0].remove();
    left.clear();
    CHECK(files_in(below) == 0);
}

TEST_CASE("only its user can read the file of a session, which has a password in it") {
    const config::testing::TemporaryFolder folder;
    const std::filesystem::path here = std::filesystem::current_path();
    SessionFile file(here, servers);
    file.write(key);
    for (const auto& entry : std::filesystem::directory_iterator(here)) {
        CHECK(entry.status().permissions() == std::filesystem::perms(0600));
    }
}

TEST_CASE("a session that fits into its file only in part is an error that says why") {
    const config::testing::TemporaryFolder folder;
    SessionFile file(std::filesystem::current_path(), servers);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const rlimit short_files{16, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &short_files) == 0);
    int code = 0;
    try {
        file.write(key);
    } catch (const std::system_error& error) {
        code = error.code().value();
    }
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    CHECK(code == ENOSPC);
}

TEST_CASE(
    "files of sessions with other servers, of other machines and damaged ones are left alone") {
    const config::testing::TemporaryFolder folder;
    const std::filesystem::path here = std::filesystem::current_path();
    {
        SessionFile(here, "tcp://other:2181").write(key);
        SessionFile unused(here, servers);  // it has never had a session
    }
    const auto note = [&here](const char* name, const std::string& text) {
        std::ofstream(here / name) << text;
    };
    note("zookeeper-session-1", "weir-zookeeper-session-1 elsewhere 7 00 " + servers + "\n");
    note("zookeeper-session-2", "weir-zookeeper-session-1 elsewhere 7 0");
    note("fencing", "");
    CHECK(SessionFile::left_behind(here, servers).empty());
    CHECK(files_in(here) == 4);  // the empty one is gone
}
