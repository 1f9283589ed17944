#include "modules/zookeeper/path.h"

#include <stdexcept>

#include <catch2/catch.hpp>

using namespace weir::zookeeper;

TEST_CASE("a path of a node is absolute and has no empty names") {
    for (const char* path : {"/", "/a", "/a/b.c", "/.a", "/..."}) {
        CHECK_NOTHROW(check_path(path));
    }
    for (const char* path : {"", "a", "//", "/a/", "/a//b", "/.", "/a/../b"}) {
        CHECK_THROWS_AS(check_path(path), std::invalid_argument);
    }
    CHECK_THROWS_AS(check_path(std::string_view("/a\0b", 4)), std::invalid_argument);
}

TEST_CASE("a path has a parent and a name") {
    CHECK(parent_of("/a") == "/");
    CHECK(parent_of("/a/b") == "/a");
    CHECK(name_of("/a/b") == "b");
    CHECK(child_of("/", "a") == "/a");
    CHECK(child_of("/a", "b") == "/a/b");
}

TEST_CASE("a chroot moves paths below a root and back") {
    const Chroot none("");
    CHECK(none.outside("/a") == "/a");
    CHECK(none.inside("/a") == "/a");
    CHECK(Chroot("/").root().empty());
    const Chroot chroot("/r/s");
    CHECK(chroot.outside("/") == "/r/s");
    CHECK(chroot.outside("/a") == "/r/s/a");
    CHECK(chroot.inside("/r/s") == "/");
    CHECK(chroot.inside("/r/s/a") == "/a");
    CHECK(chroot.inside("/r/sa") == "/r/sa");
    CHECK_THROWS_AS(Chroot("r"), std::invalid_argument);
}

TEST_CASE("any text is escaped as a name of a node, different texts as different names") {
    CHECK(escape_name("job-7") == "job-7");
    CHECK(escape_name("a/b c%d") == "a%2Fb%20c%25d");
    CHECK(escape_name("") == "%");
    CHECK(escape_name(".") == "%2E");
    CHECK(escape_name("..") == "%2E%2E");
    CHECK(escape_name("a.b") == "a.b");
    CHECK(escape_name("\xc3\xa4") == "%C3%A4");
    for (int byte = 0; byte != 256; ++byte) {
        const std::string text(1, static_cast<char>(byte));
        const std::string name = escape_name(text);
        CHECK(unescape_name(name) == text);
        CHECK_NOTHROW(check_path("/" + name));
    }
    CHECK(unescape_name("%") == "");
    CHECK(unescape_name("50%") == "50%");
    CHECK(unescape_name("%zz") == "%zz");
}
