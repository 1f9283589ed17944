#include "modules/http/list_elements.h"

#include <string>

#include <catch2/catch.hpp>

using namespace weir::http;

namespace {

std::string elements_of(std::string_view list) {
    std::string all;
    for_each_element(
        list, [&all](std::string_view element) { all.append("<").append(element).append(">"); });
    return all;
}

}  // namespace

TEST_CASE("the elements of a list stand between commas, without blanks, and empty ones are none") {
    CHECK(elements_of("").empty());
    CHECK(elements_of(" \t,, ,").empty());
    CHECK(elements_of("close") == "<close>");
    CHECK(elements_of(" max-age=5 ,\tno cache\t , public,") == "<max-age=5><no cache><public>");
}

TEST_CASE("a word is found in a list whatever the case, and whatever blanks are around it") {
    CHECK(has_element("close,\tX-Foo", "x-foo"));
    CHECK(has_element("CLOSE , X-Foo", "close"));
    CHECK_FALSE(has_element("close, X-Foo-Bar", "X-Foo"));
    CHECK_FALSE(has_element("", "X-Foo"));
}
