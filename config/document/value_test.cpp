#include "config/document/value.h"

#include <cstdint>
#include <string>

#include <catch2/catch.hpp>

#include "config/document/found.h"

namespace weir::config {

TEST_CASE("a value is written as JSON with its members in order", "[value]") {
    Value value = Value::object();
    value.add("z", 1).add("a", Value::list().add(true).add(nullptr).add("x\n").add(2.5));
    value.add("b", Value::object()).add("n", std::uint64_t{18446744073709551615U});
    CHECK(to_json(value) == R"({"z":1,"a":[true,null,"x\n",2.5],"b":{},"n":18446744073709551615})");
    CHECK(to_json(Value::object().add("a", Value::list().add(1)), 2) ==
          "{\n  \"a\": [\n    1\n  ]\n}");
    CHECK(to_json(Value("\xFF")) == "\"\xEF\xBF\xBD\"");
}

TEST_CASE("values are equal by content", "[value]") {
    CHECK(Value(1) == Value(1U));
    CHECK(Value("a") == Value(std::string("a")));
    CHECK_FALSE(Value(1) == Value(1.0));
    CHECK_FALSE(Value(nullptr) == Value(false));
    CHECK(Value::object().add("a", 1).add("b", 2) == Value::object().add("b", 2).add("a", 1));
    CHECK_FALSE(Value::object().add("a", 1) == Value::object().add("a", 2));
    CHECK_FALSE(Value::object().add("a", 1) == Value::object());
    CHECK(Value::list().add(1) == Value::list().add(1));
    CHECK_FALSE(Value::list() == Value::object());
}

TEST_CASE("a value finds its members by name", "[value]") {
    const Value value = Value::object().add("a", 1);
    REQUIRE(value.find("a"));
    CHECK(*value.find("a") == Value(1));
    CHECK(value.find("b") == nullptr);
    CHECK(Value(1).find("a") == nullptr);
}

TEST_CASE("messages name a value in words", "[value]") {
    CHECK(found(Value("a\"b")) == "the string \"a\\\"b\"");
    CHECK(found(Value(nullptr)) == "null");
    CHECK(found(Value(2.5)) == "2.5");
    CHECK(found(Value::list()) == "a list");
    CHECK(found(Value::object()) == "an object");
    CHECK(found_secret(Value("hunter2")) == "a string");
    CHECK(found_secret(Value(1234)) == "a number");
    CHECK(found_secret(Value(true)) == "a boolean");
    CHECK(with_article("integer") == "an integer");
    CHECK(with_article("list") == "a list");
}

}  // namespace weir::config
