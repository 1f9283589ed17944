#include "config/settings/flat_reader.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "config/document/document.h"
#include "config/document/fragments.h"
#include "config/settings/description.h"
#include "config/settings/reader.h"
#include "config/settings/settings.h"

namespace weir::config {

namespace {

struct Order {
    std::string customer = {};
    std::int64_t count = 1;
    std::uint64_t number = 0;
    double price = 0;
    bool gift = false;
    std::optional<int> table = {};
    std::vector<int> dishes = {};

    static Settings<Order> describe() {
        return settings<Order>(
            "An order", setting("customer", &Order::customer, "Whose").required(),
            setting("count", &Order::count, "How many").range(1, 100),
            setting("number", &Order::number, "Which"), setting("price", &Order::price, "Of all"),
            setting("gift", &Order::gift, "Whether it is wrapped"),
            setting("table", &Order::table, "Where the customer sits"),
            setting("dishes", &Order::dishes, "What else"));
    }
    bool operator==(const Order&) const = default;
};

std::optional<Order> flat(std::string_view json) {
    Order order;
    return read_flat(json, description_of<Order>(), &order) ? std::optional(order) : std::nullopt;
}

// Reads the text as a configuration; nothing if that finds a mistake.
std::optional<Order> in_the_long_way(std::string_view json) {
    Problems problems(10);
    const Limits limits;
    Allowance allowance(limits);
    const auto source = std::make_shared<const Source>(Source{.name = "order"});
    const std::optional<Value> value = read_document(json, source, allowance, problems);
    if (!value || !problems.empty()) {
        return std::nullopt;
    }
    Order order;
    Reader reader(problems, value->position, {});
    const Origin origin{0, {}};
    const Fragments fragments{{&*value, &value->position, {}, &origin}};
    description_of<Order>().read(fragments, &order, reader, Unknown::report);
    return problems.empty() ? std::optional(order) : std::nullopt;
}

}  // namespace

TEST_CASE("an object of scalars is read straight into what is described") {
    const std::optional<Order> order =
        flat(R"({"customer": "Zoë", "count": 3, "number": 18446744073709551615, "price": -12.5e-1,
                 "gift": true, "table": null})");
    REQUIRE(order);
    CHECK(*order ==
          Order{.customer = "Zoë", .count = 3, .number = UINT64_MAX, .price = -1.25, .gift = true});
    CHECK(flat("\t{\r\n\"customer\":\"ann\"} ") == Order{.customer = "ann"});
    CHECK(flat(R"({"customer":"","price":0,"table":7})") == Order{.customer = "", .table = 7});
}

TEST_CASE("what is read straight is what the long way reads, and all that it refuses is refused") {
    const std::vector<std::string> values = {"0",
                                             "-0",
                                             "7",
                                             "100",
                                             "101",
                                             "-1",
                                             "01",
                                             "-",
                                             "1.",
                                             ".5",
                                             "-.5",
                                             "1.5",
                                             "1.e5",
                                             "1e2",
                                             "1E+2",
                                             "1e",
                                             "e5",
                                             "1e400",
                                             "1e-400",
                                             "9223372036854775807",
                                             "9223372036854775808",
                                             "18446744073709551616",
                                             "+1",
                                             "NaN",
                                             "true",
                                             "false",
                                             "null",
                                             "nul",
                                             "True",
                                             "\"\"",
                                             "\"x\"",
                                             "\"\\n\"",
                                             "\"\n\"",
                                             "\"a",
                                             "\"\xff\"",
                                             "\"\xc3\xab\"",
                                             "{}",
                                             "[]",
                                             "",
                                             "1 2",
                                             "\"a\" \"b\"",
                                             "1,",
                                             ",",
                                             "/**/1",
                                             "0x1",
                                             "1_0",
                                             "'a'",
                                             "-true"};
    const std::vector<std::string> names = {"customer", "count", "number", "price",
                                            "gift",     "table", "dishes", "other"};
    std::size_t read = 0;
    for (const std::string& name : names) {
        for (const std::string& value : values) {
            const std::string others = name == "customer" ? "" : R"("customer": "ann", )";
            const std::string json = "{" + others + "\"" + name + "\": " + value + "}";
            CAPTURE(json);
            if (const std::optional<Order> order = flat(json)) {
                ++read;
                CHECK(order == in_the_long_way(json));
            }
        }
    }
    CHECK(read > 30);
}

TEST_CASE("a text that is no object of known scalars, each there once, is left to the long way") {
    for (const char* text : {"",
                             "{",
                             "}",
                             "null",
                             "[]",
                             "7",
                             R"("a")",
                             "{}",
                             R"({"count": 1})",
                             R"({"customer": "a", "customer": "a"})",
                             R"({"customer": "a",})",
                             R"({"customer": "a"}})",
                             R"({"customer" "a"})",
                             R"({customer: "a"})",
                             R"({"customer": "a" "count": 1})",
                             R"({,"customer": "a"})",
                             R"({"customer": "a"} // the last)",
                             R"({"cust\u006fmer": "a"})",
                             R"({"customer": "a", "dishes": [1]})",
                             R"({"customer": "a", "count": 0})"}) {
        CAPTURE(text);
        CHECK(flat(text) == std::nullopt);
    }
}

}  // namespace weir::config
