#include <catch2/catch.hpp>
#include <weir/json.h>
#include <weir/module.h>
#include <weir/testing.h>

using namespace std::chrono_literals;

static weir::Task<std::uint64_t> loaves() {
    const weir::ApiResult<weir::Json> count = co_await weir::call("oven", "loaves");
    co_return count.value().get<std::uint64_t>();
}

TEST_CASE("an oven that is reloaded goes on counting") {
    weir::SimulatedServer world(R"({"server": {"startup": ["oven"]}})");
    const auto test = [&]() -> weir::Task<> {
        co_await weir::sleep(10min);
        const std::uint64_t before = co_await loaves();
        CHECK(before == 9);
        std::vector<std::string> names{"oven"};
        co_await world.loader().reload(std::move(names));
        const std::uint64_t after = co_await loaves();
        CHECK(after == 9);
        co_await weir::sleep(10min);
        const std::uint64_t later = co_await loaves();
        CHECK(later == 18);
    };
    world.run(test());
    CHECK(world.log() == "");
}
