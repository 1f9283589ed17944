#include "modules/zookeeper/contenders.h"

#include <catch2/catch.hpp>

using namespace weir::zookeeper;

TEST_CASE("contenders of a lock are those of Curator and kazoo, in the order of their numbers") {
    const Contenders contenders({
        "_c_1b4e28ba-2fa1-11d2-883f-0016d3cca427-lock-0000000012",
        "6fa459eaee8a3ca4894edb77e160355e__lock__0000000003",
        "lease",
        "_c_x-lock-12",
        "_c_x-lock-00000000x1",
        "x__rlock__0000000001",
        "_c_ff-lock-0000000004",
    });
    REQUIRE(contenders.size() == 3);
    CHECK(contenders[0] == "6fa459eaee8a3ca4894edb77e160355e__lock__0000000003");
    CHECK(contenders[1] == "_c_ff-lock-0000000004");
    CHECK(contenders[2] == "_c_1b4e28ba-2fa1-11d2-883f-0016d3cca427-lock-0000000012");
    CHECK(contenders.find(contender_prefix("ff")) == std::vector<std::size_t>{1});
    CHECK(contenders.find(contender_prefix("f")).empty());
}
