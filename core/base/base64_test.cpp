#include "core/base/base64.h"

#include <string>

#include <catch2/catch.hpp>

using namespace weir;

TEST_CASE("bytes are written in Base64, and read again, with padding or without") {
    const std::pair<std::string_view, std::string_view> known[] = {
        // of RFC 4648
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (const auto& [bytes, text] : known) {
        CAPTURE(text);
        const std::string_view bare = text.substr(0, text.find('='));
        CHECK(to_base64(bytes) == text);
        CHECK(to_base64(bytes, Base64Padding::without) == bare);
        CHECK(from_base64(text) == bytes);
        CHECK(from_base64(bare, Base64Padding::without) == bytes);
    }
    std::string all;
    for (int i = 0; i != 256; ++i) all += static_cast<char>(i);
    CHECK(from_base64(to_base64(all)) == all);
    CHECK(to_base64("\xfb\xff\xfe") == "+//+");
}

TEST_CASE("what is no Base64, or has the other padding, is refused") {
    for (const char* wrong : {"AP8", "A", "A===", "AP 8", "====", "=AP8", "AP8=\n", "AP-_", "AA=A",
                              "\xc3\xab\xc3\xab"}) {
        CAPTURE(wrong);
        CHECK(!from_base64(wrong));
    }
    for (const char* wrong : {"A", "AAAAA", "AP8=", "Zg==", "AP 8"}) {
        CAPTURE(wrong);
        CHECK(!from_base64(wrong, Base64Padding::without));
    }
}
