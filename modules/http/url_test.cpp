#include "modules/http/url.h"

#include <catch2/catch.hpp>

namespace weir::http {

TEST_CASE("an address names scheme, host, port and target") {
    const Url url = Url::parse("https://Shop.example:8443/a%20b?c=d#part");
    CHECK(url.tls);
    CHECK(url.host == "shop.example");
    CHECK(url.port == 8443);
    CHECK(url.target == "/a%20b?c=d");
    CHECK(url.text() == "https://shop.example:8443/a%20b?c=d");
    CHECK(Url::parse("HTTP://a").text() == "http://a/");
    CHECK(Url::parse("http://a?b").target == "/?b");
    CHECK(Url::parse("https://a:443/").authority() == "a");
    CHECK(Url::parse("https://a/").origin() == "https://a:443");
    CHECK(Url::parse("http://[::1]:80/").host == "::1");
    CHECK(Url::parse("http://[::1]:81/").authority() == "[::1]:81");
}

TEST_CASE("a text that is no address is refused, and can add nothing to a request") {
    for (const char* wrong :
         {"", "a", "/a", "ftp://a/", "http://", "http:///a", "http://a:0/", "http://a:65536/",
          "http://a:b/", "http://user:secret@a/", "http://a b/", "http://a/b c",
          "http://a/\r\nX: y", "http://a\r\nX: y/", "http://[::1/", "http://[x]/",
          "http://a/\xC3\xA4", "http://[::1]x/"}) {
        INFO(wrong);
        CHECK_THROWS_AS(Url::parse(wrong), UrlError);
    }
}

TEST_CASE("a link leads on from the address at which it stands") {
    const Url base = Url::parse("http://a:81/b/c/d?e");
    const auto leads = [&base](const char* link) { return base.resolve(link).text(); };
    CHECK(leads("/x") == "http://a:81/x");
    CHECK(leads("x?y") == "http://a:81/b/c/x?y");
    CHECK(leads("../x") == "http://a:81/b/x");
    CHECK(leads("../../../x/./y/") == "http://a:81/x/y/");
    CHECK(leads("..") == "http://a:81/b/");
    CHECK(leads("?f") == "http://a:81/b/c/d?f");
    CHECK(leads("//g/h") == "http://g/h");
    CHECK(leads("https://g/h#i") == "https://g/h");
    CHECK(leads("#i") == "http://a:81/b/c/d?e");
    CHECK_THROWS_AS(base.resolve("ftp://a/"), UrlError);
    CHECK_THROWS_AS(base.resolve("x y"), UrlError);
}

}  // namespace weir::http
