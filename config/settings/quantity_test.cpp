#include "config/settings/quantity.h"

#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace weir::config {

namespace {

const std::vector<Unit> units = {{"ms", 1}, {"s", 1'000}, {"m", 60'000}};

std::string parsed(std::string_view text) {
    const Quantity quantity = parse_quantity(text, units);
    switch (quantity.error) {
        case QuantityError::none:
            return std::to_string(quantity.value);
        case QuantityError::not_a_quantity:
            return "not a quantity";
        case QuantityError::too_large:
            return "too large";
        case QuantityError::too_fine:
            return "too fine";
    }
    return "";
}

}  // namespace

TEST_CASE("a quantity is a number and a unit", "[quantity]") {
    CHECK(parsed("50ms") == "50");
    CHECK(parsed("2s") == "2000");
    CHECK(parsed("-2s") == "-2000");
    CHECK(parsed("1.5m") == "90000");
    CHECK(parsed("0.001s") == "1");
    CHECK(parsed("0.500s") == "500");
    CHECK(parsed("007s") == "7000");
    CHECK(parsed("0.1m") == "6000");
    CHECK(parsed("0.12345m") == "7407");
    CHECK(parsed("9223372036854775807ms") == "9223372036854775807");
    CHECK(parsed("1.000000000000000000000000000s") == "1000");
}

TEST_CASE("other texts are not quantities", "[quantity]") {
    for (const char* text :
         {"",    "5",   "s",    "5 s", " 5s",  "5s ",    "5S",     "5h", "+5s", "--5s",
          ".5s", "5.s", "1e3s", "5ss", "0x5s", "1_000s", "1.5.5s", "-",  "-s",  "."}) {
        INFO(text);
        CHECK(parsed(text) == "not a quantity");
    }
}

TEST_CASE("a quantity that is not exact is rejected", "[quantity]") {
    CHECK(parsed("0.5ms") == "too fine");
    CHECK(parsed("0.0001s") == "too fine");
    CHECK(parsed("0.00001m") == "too fine");
    CHECK(parsed("0.3333333333333333333333m") == "too fine");
    CHECK(parsed("9223372036854775808ms") == "too large");
    CHECK(parsed("9223372036854775807s") == "too large");
    CHECK(parsed("99999999999999999999999999999ms") == "too large");
    CHECK(parsed("9223372036854775.808s") == "too large");
    CHECK(parsed("9223372036854775.807s") == "9223372036854775807");
}

TEST_CASE("a quantity is written in the largest unit that fits", "[quantity]") {
    CHECK(quantity_text(0, units, "s") == "0s");
    CHECK(quantity_text(50, units, "s") == "50ms");
    CHECK(quantity_text(1'500, units, "s") == "1500ms");
    CHECK(quantity_text(90'000, units, "s") == "90s");
    CHECK(quantity_text(-120'000, units, "s") == "-2m");
    for (const std::int64_t value : {std::int64_t{1}, std::int64_t{999}, INT64_MAX, -INT64_MAX}) {
        CHECK(parsed(quantity_text(value, units, "s")) == std::to_string(value));
    }
}

}  // namespace weir::config
