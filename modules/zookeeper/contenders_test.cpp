#include "modules/zookeeper/contenders.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace weir::zookeeper;

TEST_CASE("contenders of a lock are those of Curator and kazoo, in the order of their numbers") {
    const Contenders contenders({
        "_c_1b4e28ba-2fa1-11d2-883f-0016d3cca427-lock-0000000012",
        "6fa459eaee8a3ca4894edb77e160355e__lock__0000000003",
        "lease",
        "_c_x-lock-12",
        "_c_x-lock-00000000x1",
        "x__other__0000000001",
        "_c_ff-lock-0000000004",
    });
    REQUIRE(contenders.size() == 3);
    CHECK(contenders[0] == "6fa459eaee8a3ca4894edb77e160355e__lock__0000000003");
    CHECK(contenders[1] == "_c_ff-lock-0000000004");
    CHECK(contenders[2] == "_c_1b4e28ba-2fa1-11d2-883f-0016d3cca427-lock-0000000012");
    CHECK(contenders.find(contender_prefix("ff")) == std::vector<std::size_t>{1});
    CHECK(contenders.find(contender_prefix("f")).empty());
}

TEST_CASE(
    "contenders share a lock in order if they want slots of as many, and else exclude each other") {
    const auto granted = [](const std::vector<std::string>& names) {
        const Contenders contenders(names);
        std::string result;
        for (std::size_t i = 0; i != contenders.size(); ++i) {
            result += contenders.grants(i) ? 'x' : '-';
        }
        return result;
    };
    const auto name = [](std::size_t size, int number) {
        return contender_prefix("ff", size) + "000000000" + std::to_string(number);
    };
    CHECK(granted({name(1, 1), name(1, 2)}) == "x-");
    CHECK(granted({name(3, 1), name(3, 2), name(3, 3), name(3, 4)}) == "xxx-");
    CHECK(granted({name(1, 1), name(3, 2), name(3, 3)}) == "x--");
    CHECK(granted({name(3, 1), name(3, 2), name(1, 3), name(3, 4)}) == "xx--");
    CHECK(granted({name(2, 1), name(3, 2), name(3, 3)}) == "x--");
    CHECK(granted({"x__lock__0000000001", name(2, 2)}) == "x-");
    CHECK(granted({name(readers, 1), "_c_j-__READ__0000000002", "p__rlock__0000000003"}) == "xxx");
    CHECK(granted({name(readers, 1), name(1, 2), name(readers, 3)}) == "x--");
    CHECK(granted({"_c_j-__WRIT__0000000001", name(readers, 2)}) == "x-");
    CHECK(granted({name(3, 1), name(readers, 2)}) == "x-");
    CHECK(contender_prefix("j", 1, WriterName::writ) == "_c_j-__WRIT__");
}

TEST_CASE("a contender waits for the one before it, one that reads for the last that does not") {
    const Contenders contenders(
        {contender_prefix("a", readers) + "0000000001", contender_prefix("b") + "0000000002",
         contender_prefix("c", readers) + "0000000003",
         contender_prefix("d", readers) + "0000000004", contender_prefix("e") + "0000000005"});
    CHECK(contenders.obstacle_of(1) == 0);
    CHECK(contenders.obstacle_of(2) == 1);
    CHECK(contenders.obstacle_of(3) == 1);
    CHECK(contenders.obstacle_of(4) == 3);
    CHECK(contenders.waiting_before(0) == 0);
    CHECK(contenders.waiting_before(1) == 0);
    CHECK(contenders.waiting_before(4) == 3);
}
