#include "core/event/index_value.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <unordered_set>
#include <vector>

#include <catch2/catch.hpp>

namespace weir {

namespace {

enum class Colour { red, green };

const std::string long_text(100, 'x');

}  // namespace

TEST_CASE("an index value is an integer, an enum, a text, an identity, a number or a tuple",
          "[index_value]") {
    using Kind = IndexValue::Kind;
    const int object = 0;
    CHECK(IndexValue(-7).kind() == Kind::integer);
    CHECK(IndexValue(-7).integer() == -7);
    CHECK(IndexValue(Colour::green).integer() == 1);
    CHECK(IndexValue(true) == IndexValue(1));
    CHECK(IndexValue("text").kind() == Kind::text);
    CHECK(IndexValue("text").text() == "text");
    CHECK(IndexValue(&object).kind() == Kind::identity);
    CHECK(IndexValue(&object).identity() == &object);
    CHECK(IndexValue(0.5).kind() == Kind::real);
    CHECK(IndexValue(0.5).real() == 0.5);
    CHECK(IndexValue(std::pair("host", 80)).kind() == Kind::tuple);
    CHECK(IndexValue().kind() == Kind::none);
    CHECK(IndexValue().is_any());
    CHECK_FALSE(IndexValue(0).is_any());
    CHECK_FALSE(IndexValue("").is_any());
}

TEST_CASE("texts of any length are equal if their bytes are", "[index_value]") {
    for (std::size_t length = 0; length != 40; ++length) {
        const std::string text(length, 'a');
        const IndexValue value(text);
        CHECK(value.text() == text);
        CHECK(value == IndexValue(std::string(length, 'a')));
        CHECK(value.hash() == IndexValue(text).hash());
        CHECK(value != IndexValue(text + "a"));
        CHECK(value != IndexValue(text + '\0'));
        CHECK(value != IndexValue(std::string(length + 1, 'b')));
    }
    CHECK(IndexValue(std::string_view()) == IndexValue(""));
    CHECK(IndexValue(std::string("a\0b", 3)).text().size() == 3);
}

TEST_CASE("values of different kinds are different", "[index_value]") {
    const int object = 0;
    const std::vector<IndexValue> values{IndexValue(), 1,
                                         "1",          1.5,
                                         &object,      std::tuple(1),
                                         long_text,    reinterpret_cast<std::uintptr_t>(&object)};
    for (std::size_t i = 0; i != values.size(); ++i) {
        for (std::size_t k = 0; k != values.size(); ++k) {
            CHECK((values[i] == values[k]) == (i == k));
        }
    }
}

TEST_CASE("tuples are equal if their elements are, also nested and with long texts",
          "[index_value]") {
    const auto address = [](const std::string& host, int port) {
        return IndexValue(std::tuple(std::pair(host, port), 1));
    };
    CHECK(address("127.0.0.1", 80) == address("127.0.0.1", 80));
    CHECK(address("127.0.0.1", 80).hash() == address("127.0.0.1", 80).hash());
    CHECK(address(long_text, 80) == address(long_text, 80));
    CHECK(address("127.0.0.1", 80) != address("127.0.0.1", 81));
    CHECK(IndexValue(std::tuple(1, 2)) != IndexValue(std::tuple(2, 1)));
    CHECK(IndexValue(std::tuple(1, 2)) != IndexValue(std::tuple(1, 2, 3)));
    CHECK(IndexValue(std::tuple<>()) == IndexValue(std::tuple<>()));
    CHECK(address("host", 80).tuple()[0].tuple()[1].integer() == 80);
}

TEST_CASE("a real number without a fraction is the integer of the same value", "[index_value]") {
    CHECK(IndexValue(3.0) == IndexValue(3));
    CHECK(IndexValue(-0.0) == IndexValue(0));
    CHECK(IndexValue(-0x1p63) == IndexValue(std::numeric_limits<std::int64_t>::min()));
    CHECK(IndexValue(9.22e18) == IndexValue(std::int64_t{9'220'000'000'000'000'000}));
    CHECK(IndexValue(0x1p63).kind() == IndexValue::Kind::real);
    CHECK(IndexValue(std::numeric_limits<double>::infinity()).kind() == IndexValue::Kind::real);
    CHECK(IndexValue(0.1F) != IndexValue(0.1));
}

TEST_CASE("copies and moves of an index value keep its value", "[index_value]") {
    for (const IndexValue& original : {IndexValue(7), IndexValue("short"), IndexValue(long_text),
                                       IndexValue(std::tuple(1, 2))}) {
        IndexValue copy = original;
        CHECK(copy == original);
        IndexValue moved = std::move(copy);
        CHECK(moved == original);
        CHECK(copy.is_any());
        copy = moved;
        const IndexValue& itself = copy;
        copy = itself;
        CHECK(copy == original);
        CHECK(copy.describe() == original.describe());
    }
}

TEST_CASE("index values are in a total order: none, numbers, identities, texts, tuples",
          "[index_value]") {
    const int objects[2] = {};
    const double huge = 0x1p63;
    const std::vector<IndexValue> ordered{
        IndexValue(),
        -std::numeric_limits<double>::infinity(),
        std::numeric_limits<std::int64_t>::min(),
        -1,
        -0.5,
        0,
        0.5,
        1,
        (std::int64_t{1} << 53) + 1,
        (std::int64_t{1} << 53) + 2,
        std::numeric_limits<std::int64_t>::max() - 1,
        std::numeric_limits<std::int64_t>::max(),
        huge,
        std::numeric_limits<double>::infinity(),
        &objects[0],
        &objects[1],
        "",
        "a",
        "aa",
        "b",
        long_text,
        std::tuple<>(),
        std::tuple(1),
        std::tuple(1, 2),
        std::tuple(2),
    };
    for (std::size_t i = 0; i != ordered.size(); ++i) {
        for (std::size_t k = 0; k != ordered.size(); ++k) {
            INFO(ordered[i].describe() << " and " << ordered[k].describe());
            CHECK((ordered[i] < ordered[k]) == (i < k));
            CHECK((ordered[i] == ordered[k]) == (i == k));
        }
    }
    const IndexValue nan = std::nan("");
    CHECK(nan == nan);
    CHECK_FALSE(nan < nan);
}

TEST_CASE("the hashes of many values hardly ever collide", "[index_value]") {
    std::unordered_set<std::uint64_t> low_bits;
    for (int i = 0; i != 10'000; ++i) {
        low_bits.insert(IndexValue(i * 4096).hash() & 0xffffffff);
        low_bits.insert(IndexValue("key-" + std::to_string(i)).hash() & 0xffffffff);
        low_bits.insert(IndexValue(std::pair(i, 80)).hash() & 0xffffffff);
    }
    CHECK(low_bits.size() > 29'990);
}

TEST_CASE("index values describe themselves for logs", "[index_value]") {
    CHECK(IndexValue().describe() == "any");
    CHECK(IndexValue(-7).describe() == "-7");
    CHECK(IndexValue(0.25).describe() == "0.25");
    CHECK(IndexValue("text").describe() == "\"text\"");
    CHECK(IndexValue(std::tuple("127.0.0.1", 80)).describe() == "(\"127.0.0.1\", 80)");
    const int object = 0;
    CHECK(IndexValue(&object).describe().starts_with("0x"));
}

TEST_CASE("an index reads as the type that it is declared with", "[index_value]") {
    int object = 0;
    const Index<int> number = 7;
    const Index<std::string> text = "text";
    const Index<std::string> long_one = long_text;
    const Index<Colour> colour = Colour::green;
    const Index<int*> identity = &object;
    const Index<bool> flag = true;
    const Index<std::tuple<std::string, std::uint16_t>> address = std::tuple("localhost", 80);
    const Index<IndexValue> whatever = IndexValue("x");

    const int plain = number;
    CHECK(plain == 7);
    CHECK(number == 7);
    CHECK(text == "text");
    CHECK(text.get().size() == 4);
    CHECK(std::string_view(long_one) == long_text);
    CHECK(colour == Colour::green);
    CHECK(identity == &object);
    CHECK(flag);
    CHECK(std::get<0>(address.get()) == "localhost");
    CHECK(std::get<1>(address.get()) == 80);
    CHECK(whatever.get() == IndexValue("x"));
    CHECK(number == Index<int>(7));
    CHECK_FALSE(number == Index<int>(8));
}

TEST_CASE("an index without a value has the default of its type, and matchers find it",
          "[index_value]") {
    CHECK(Index<int>().get() == 0);
    CHECK(Index<int>().value() == IndexValue(0));
    CHECK(Index<std::string>().get().empty());
    CHECK(Index<std::string>().value() == IndexValue(""));
    CHECK(Index<const int*>().get() == nullptr);
    CHECK(Index<std::tuple<int, int>>().get() == std::tuple(0, 0));
    CHECK(Index<IndexValue>().get().is_any());
}

TEST_CASE("random index values compare like the values that they were made of", "[index_value]") {
    std::mt19937 random(1);
    struct Made {
        std::string text;
        int number;
    };
    std::vector<std::pair<Made, IndexValue>> values;
    for (int i = 0; i != 300; ++i) {
        const Made made{std::string(random() % 20, static_cast<char>('a' + random() % 2)),
                        static_cast<int>(random() % 4)};
        values.emplace_back(made, IndexValue(std::pair(made.text, made.number)));
    }
    for (const auto& [a, x] : values) {
        for (const auto& [b, y] : values) {
            REQUIRE((x == y) == (a.text == b.text && a.number == b.number));
            REQUIRE((x < y) == (std::pair(a.text, a.number) < std::pair(b.text, b.number)));
            REQUIRE((x != y || x.hash() == y.hash()));
        }
    }
}

}  // namespace weir
