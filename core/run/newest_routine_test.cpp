#include "core/run/newest_routine.h"

#include <catch2/catch.hpp>

#include "core/wait/timeout.h"
#include "tests/support/virtual_world.h"

using namespace weir;
using namespace std::chrono_literals;

TEST_CASE("of several routines that read, the newest wins, also when an older one takes longer") {
    test::VirtualWorld world;
    std::string value;
    const auto read = [](std::string& result, Duration takes, const char* text) -> Task<> {
        co_await sleep(takes);
        result += text;
    };
    const auto test = [&](NewestRoutine& reading) -> Task<> {
        reading.start(read(value, 10s, "old"), {.name = "read"});
        co_await sleep(1s);
        reading.start(read(value, 1s, "new"), {.name = "read"});
        co_await sleep(1min);
        CHECK(value == "new");
        reading.start(read(value, 1s, ", newer"), {.name = "read"});
        co_await sleep(1min);
        CHECK(value == "new, newer");
        reading.start(read(value, 1s, ", newest"), {.name = "read"});
        reading.close();
        co_await sleep(1min);
        CHECK(value == "new, newer");
    };
    NewestRoutine reading(world.container);
    world.run_to_end(test(reading));
}
