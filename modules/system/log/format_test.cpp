#include "modules/system/log/format.h"

#include <string>

#include <catch2/catch.hpp>

#include "modules/system/module/module_state.h"

namespace weir {

namespace {

template <class... Values>
std::string formatted(LogFormat<Values...> format, const Values&... values) {
    const LogValue all[] = {values...};
    return format_log(format.text, all);
}

}  // namespace

TEST_CASE("log text: values of all kinds take the places of braces", "[log]") {
    const std::string name = "Ann";
    CHECK(formatted("{} has {} loaves", name, 3) == "Ann has 3 loaves");
    CHECK(formatted("{} {} {} {}", true, 'x', std::string_view("view"), "literal") ==
          "true x view literal");
    CHECK(formatted("{} {}", -9'223'372'036'854'775'807, 18'446'744'073'709'551'615U) ==
          "-9223372036854775807 18446744073709551615");
    CHECK(formatted("{} {}", 0.5, 2.5F) == "0.5 2.5");
}

TEST_CASE("log text: a specification says how a value is shown", "[log]") {
    CHECK(formatted("{:.1f} of {:>4} is {:#x}", 0.25, 7, 255) == "0.2 of    7 is 0xff");
}

TEST_CASE("log text: what has a to_string() is shown by it", "[log]") {
    CHECK(formatted("it is {}", ModuleState::loading) == "it is loading");
}

TEST_CASE("log text: doubled braces are braces", "[log]") {
    CHECK(formatted("{{{}}}", 1) == "{1}");
}

TEST_CASE("log text: a specification that does not suit the value is named", "[log]") {
    CHECK(formatted("{:d} loaves", "many") ==
          "{:d} loaves (cannot be formatted: invalid type specifier)");
}

TEST_CASE("log text: the compiler knows how many values a text takes", "[log]") {
    STATIC_REQUIRE(detail::values_in("") == 0);
    STATIC_REQUIRE(detail::values_in("{} and {:>8}") == 2);
    STATIC_REQUIRE(detail::values_in("{{}} {}") == 1);
    for (const char* wrong : {"{", "}", "{0}", "{:{}}", "{} }", "{name}"}) {
        CAPTURE(wrong);
        CHECK(detail::values_in(wrong) == -1);
    }
}

}  // namespace weir
