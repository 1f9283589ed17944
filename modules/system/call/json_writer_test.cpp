#include "modules/system/call/json_writer.h"

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace weir {
namespace {

std::string dumped(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

class RandomJson {
public:
    Json value(std::size_t depth) {
        switch (below(depth == 0 ? 6 : 8)) {
            case 0:
                return below(2) == 0 ? Json(nullptr) : Json(below(2) == 0);
            case 1:
                return static_cast<std::int64_t>(random_()) >> below(64);
            case 2:
                return random_() >> below(64);
            case 3:
                return static_cast<double>(static_cast<std::int64_t>(random_())) *
                       std::pow(10.0, static_cast<double>(below(40)) - 30.0);
            case 4:
            case 5:
                return text();
            case 6: {
                Json list = Json::array();
                for (std::size_t i = below(5); i != 0; --i) list.push_back(value(depth - 1));
                return list;
            }
            default: {
                Json object = Json::object();
                for (std::size_t i = below(5); i != 0; --i) object[text()] = value(depth - 1);
                return object;
            }
        }
    }

private:
    std::size_t below(std::size_t n) { return random_() % n; }

    // Also with what must be escaped, and with what is no UTF-8.
    std::string text() {
        static const std::vector<std::string> parts = {"a",
                                                       "key",
                                                       "\"",
                                                       "\\",
                                                       "\n",
                                                       "\t",
                                                       "\x01",
                                                       "\x1F",
                                                       "\x7F",
                                                       "\xC3\xA4",
                                                       "/",
                                                       "\xE2\x82\xAC",
                                                       "\xF0\x9F\x98\x80",
                                                       "\xC3",
                                                       "\xED\xA0\x80",
                                                       "\xFF",
                                                       std::string(1, '\0')};
        std::string made;
        for (std::size_t i = below(8); i != 0; --i) {
            made += parts[below(below(2) == 0 ? 13 : parts.size())];
        }
        return made;
    }

    std::mt19937_64 random_{1};
};

}  // namespace

TEST_CASE("a value is written as text byte for byte as its library writes it") {
    RandomJson random;
    for (int i = 0; i != 20'000; ++i) {
        const Json json = random.value(4);
        REQUIRE(json_text(json) == dumped(json));
    }
    using Real = std::numeric_limits<double>;
    for (const Json& json :
         {Json(), Json::array(), Json::object(), Json(0.0), Json(-0.0), Json(1.0), Json(1e15),
          Json(1e16), Json(1e-5), Json(0.1), Json(Real::max()), Json(Real::denorm_min()),
          Json(Real::infinity()), Json(Real::quiet_NaN()),
          Json(std::numeric_limits<std::int64_t>::min()),
          Json(std::numeric_limits<std::uint64_t>::max()), Json::binary({1, 2}), Json("")}) {
        CHECK(json_text(json) == dumped(json));
    }
}

}  // namespace weir
