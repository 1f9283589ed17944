#include "modules/system/server/md5.h"

#include <catch2/catch.hpp>

namespace weir {

namespace {

std::string md5_of(const std::string& text) {
    return md5(std::as_bytes(std::span(text)));
}

}  // namespace

TEST_CASE("md5: digests are those of RFC 1321, whatever the length is") {
    CHECK(md5_of("") == "d41d8cd98f00b204e9800998ecf8427e");
    CHECK(md5_of("abc") == "900150983cd24fb0d6963f7d28e17f72");
    CHECK(md5_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") ==
          "d174ab98d277d9f5a5611c2c9f419d9f");
    CHECK(md5_of("123456789012345678901234567890123456789012345678901234567890123456789012345678"
                 "90") == "57edf4a22be3c955ac49da2e2107b67a");
    CHECK(md5_of(std::string(1'000'000, 'a')) == "7707d6ae4e027c70eea2a935c2296f21");
}

}  // namespace weir
