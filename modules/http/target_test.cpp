#include "modules/http/target.h"

#include <string>

#include <catch2/catch.hpp>

namespace weir::http {

TEST_CASE("a path with a step up is seen in whatever form servers read one") {
    for (const char* path :
         {"/a/../b", "/..", "..", "/a/.", "/./a", "/a/%2e%2E/b", "/a/.%2e", "/a/%252e%252e/b",
          "/a/%25252e./b", "/a/%%32e./b", "/a/..;/b", "/a/..;x=1/b", "/a/..%3bx/b", "/a/.;/b",
          "/a%2f..%2Fb", "/a%252f../b", "/a\\..\\b", "/a%5c..%5Cb"}) {
        INFO(path);
        CHECK(has_dot_segments(path));
    }
}

TEST_CASE("dots that are part of a name are no step up") {
    for (const char* path : {"", "/", "/a/b.c", "/a/...", "/..a/b..", "/.well-known/x", "/a;..b/c",
                             "/a%2fb", "/100%25", "/a%", "/%zz/%2", "/;..", "//"}) {
        INFO(path);
        CHECK_FALSE(has_dot_segments(path));
    }
}

TEST_CASE("a path that is encoded as often as it has room for is read in one pass") {
    std::string path = "/a/%";
    for (int i = 0; i != 100'000; ++i) {
        path += "25";
    }
    CHECK(has_dot_segments(path + "2e"));
    CHECK_FALSE(has_dot_segments(path));
}

}  // namespace weir::http
