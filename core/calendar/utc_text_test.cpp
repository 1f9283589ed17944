#include "core/calendar/utc_text.h"

#include <chrono>

#include <catch2/catch.hpp>

namespace weir {

using namespace std::chrono_literals;

TEST_CASE("a time in UTC is the same as text and back") {
    const WallTime time = WallTime(std::chrono::sys_days(2026y / 12 / 24)) + 18h + 30min + 7s;
    CHECK(utc_text(time) == "2026-12-24T18:30:07Z");
    CHECK(utc_text(time + 999ms) == "2026-12-24T18:30:07Z");
    CHECK(utc_text(WallTime(-1s)) == "1969-12-31T23:59:59Z");
    CHECK(time_from_utc_text("2026-12-24T18:30:07Z") == time);
    for (const char* wrong : {"", "2026-12-24", "2026-12-24T18:30:07", "2026-12-24T18:30:07Z ",
                              "2026-13-24T18:30:07Z", "2026-12-24T18:30:07+01:00"}) {
        CHECK(time_from_utc_text(wrong) == std::nullopt);
    }
}

}  // namespace weir
