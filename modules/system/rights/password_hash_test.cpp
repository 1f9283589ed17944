#include "modules/system/rights/password_hash.h"

#include <catch2/catch.hpp>

using namespace weir;

namespace {

constexpr PasswordHash::Cost cheap{.log_n = 4, .r = 8, .p = 1};

// hashlib.scrypt of Python: password, saltsaltsaltsalt, n=16, r=8, p=1.
constexpr std::string_view known =
    "$scrypt$ln=4,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$5f/Vi+XRWGUNGScbsma6KJ4zLFIke/NJsrvr7lQLAyA";

}  // namespace

TEST_CASE("a hash matches the password that it was made of, and no other") {
    const PasswordHash hash = PasswordHash::of("secret", cheap);
    CHECK(hash.matches("secret"));
    CHECK_FALSE(hash.matches("Secret"));
    CHECK_FALSE(hash.matches("secret "));
    CHECK_FALSE(hash.matches(""));
    CHECK_FALSE(hash.matches(std::string_view("secret\0", 7)));
}

TEST_CASE("two hashes of a password differ by their salt") {
    CHECK(PasswordHash::of("secret", cheap).text() != PasswordHash::of("secret", cheap).text());
}

TEST_CASE("a hash that another program made matches, and its text stays the same") {
    const auto hash = PasswordHash::parse(known);
    REQUIRE(hash);
    CHECK(hash->matches("password"));
    CHECK_FALSE(hash->matches("passwore"));
    CHECK(hash->text() == known);
}

TEST_CASE("the usual hash costs what the text says") {
    CHECK(PasswordHash::of("secret").text().starts_with("$scrypt$ln=15,r=8,p=3$"));
}

TEST_CASE("what is no hash, or one that costs too much, is refused") {
    const auto is_hash = [](std::string_view text) {
        return PasswordHash::parse(text).has_value();
    };
    const std::string rest = "$c2FsdHNhbHRzYWx0c2FsdA$5f/Vi+XRWGUNGScbsma6KJ4zLFIke/NJsrvr7lQLAyA";
    REQUIRE(is_hash("$scrypt$ln=4,r=8,p=1" + rest));
    CHECK_FALSE(is_hash(""));
    CHECK_FALSE(is_hash("secret"));
    CHECK_FALSE(is_hash("$scrypt$"));
    CHECK_FALSE(is_hash("$argon2id$ln=4,r=8,p=1" + rest));
    CHECK_FALSE(is_hash("$scrypt$ln=4,r=8,p=0" + rest));
    CHECK_FALSE(is_hash("$scrypt$ln=0,r=8,p=1" + rest));
    CHECK_FALSE(is_hash("$scrypt$ln=-4,r=8,p=1" + rest));
    CHECK_FALSE(is_hash("$scrypt$ln=4x,r=8,p=1" + rest));
    CHECK_FALSE(is_hash("$scrypt$ln=4,r=8" + rest));
    CHECK_FALSE(is_hash("$scrypt$ln=19,r=8,p=1" + rest));  // 512 MiB
    CHECK_FALSE(is_hash("$scrypt$ln=99999999999,r=8,p=1" + rest));
    CHECK_FALSE(is_hash("$scrypt$ln=15,r=8,p=64" + rest));
    CHECK_FALSE(is_hash("$scrypt$ln=4,r=8,p=1$c2FsdA$5f/V"));  // too short to be one
    CHECK_FALSE(is_hash("$scrypt$ln=4,r=8,p=1$c2Fsd!!$" + rest));
    CHECK_FALSE(is_hash("$scrypt$ln=4,r=8,p=1" + rest + "=="));
}
