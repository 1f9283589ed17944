#include "apps/weir/usage.h"

#include <CLI/CLI.hpp>
#include <catch2/catch.hpp>

namespace weir::app {

namespace {

// What the program says to a command line that it cannot parse; "" if it can.
std::string mistake(CLI::App& program, const std::string& line) {
    try {
        program.parse(line);
        return {};
    } catch (const CLI::ParseError& error) {
        return usage_mistake(program, error);
    }
}

}  // namespace

TEST_CASE("a number is finite, in its range, and written as people do") {
    CLI::Validator number = number_between(0.1, 3600);
    for (std::string right : {"0.1", "1", "3600", "1e2", "0.25"}) {
        CHECK(number(right).empty());
    }
    for (std::string wrong :
         {"0.09", "3601", "nan", "inf", "-1", "-0", "1e999", "0x10", "", "1s", " 1"}) {
        CHECK_THAT(number(wrong), Catch::Contains("is not a number from 0.1 to 3600"));
    }
}

TEST_CASE("a whole number is written with digits alone") {
    CLI::Validator number = whole_number_between(1, 10);
    for (std::string right : {"1", "10", "07"}) {
        CHECK(number(right).empty());
    }
    for (std::string wrong : {"0", "11", "1.5", "1e0", "-1", "+1", "", "1 ", "0x1"}) {
        CHECK_THAT(number(wrong), Catch::Contains("is not a whole number from 1 to 10"));
    }
}

TEST_CASE("what is unknown is named with the nearest that is known") {
    CLI::App program("", "tea");
    program.require_subcommand(1);
    bool milk = false;
    program.add_subcommand("pour")->add_flag("--milk", milk);
    CHECK(mistake(program, "pour --milk").empty());
    CHECK(mistake(program, "por") ==
          "tea: unknown command 'por' (did you mean 'pour'?)\nSee `tea --help`.\n");
    CHECK(mistake(program, "pour --mlik") ==
          "tea pour: unknown option '--mlik' (did you mean '--milk'?)\nSee `tea pour --help`.\n");
    CHECK(mistake(program, "restart") ==
          "tea: unknown command 'restart'\n`systemctl restart` ends a server, and runs it again.\n"
          "See `tea --help`.\n");
    CHECK(mistake(program, "") == "tea: A subcommand is required\nSee `tea --help`.\n");
}

}  // namespace weir::app
