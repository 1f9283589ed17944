#include "modules/zookeeper/validity.h"

#include <catch2/catch.hpp>

using namespace weir;
using namespace weir::zookeeper;
using namespace std::chrono_literals;

namespace {

BootTime at(Duration time) {
    return BootTime(time);
}

}  // namespace

TEST_CASE("a session is valid for three quarters of its timeout from the sending of a write") {
    Validity validity;
    CHECK(validity.until() == at(0s));
    validity.begin(at(100s), 8s);
    CHECK(validity.until() == at(106s));
    validity.acknowledged(at(101s));
    CHECK(validity.until() == at(107s));
    // Answers that come late change nothing.
    validity.acknowledged(at(100s));
    CHECK(validity.until() == at(107s));
    validity.end();
    CHECK(validity.until() == at(0s));
}

TEST_CASE("after a long silence a session is only valid for the timeout from the write before") {
    Validity validity;
    validity.begin(at(100s), 8s);
    validity.acknowledged(at(107s));
    CHECK(validity.until() == at(108s));
    validity.acknowledged(at(108s));
    CHECK(validity.until() == at(114s));
}

TEST_CASE("a server that takes a session over proves nothing until a write is acknowledged") {
    Validity validity;
    validity.begin(at(100s), 8s);
    validity.taken_over(at(105s), 8s);
    CHECK(validity.until() == at(106s));
    validity.acknowledged(at(106s));
    CHECK(validity.until() == at(112s));
    // It may grant a shorter timeout.
    validity.taken_over(at(107s), 4s);
    CHECK(validity.until() == at(110s));
}
