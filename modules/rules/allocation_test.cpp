// Allocations fail while a rule fires and runs. The module is linked in: nlohmann::json cannot
// survive a failure, and the kit finds its functions by names that a plugin does not show.

#include <algorithm>
#include <new>

#include "modules/rules/test_shop.h"
#include "modules/testing/allocations.h"

namespace weir::rules {

namespace {

Task<> order_twice(ShopWorld& world, AllocationFailure& failure) {
    co_await sleep(1s);
    failure.arm();
    try {
        Task<> first = world.order(R"({"customer": "ann", "pieces": 1})");
        co_await first;
        co_await sleep(10s);
    } catch (const std::exception&) {
        // The sender has learned it.
    }
    failure.disarm();
    Task<> second = world.order(R"({"customer": "ann", "pieces": 2})");
    co_await second;
    co_await sleep(10s);
}

auto notes(const std::string& pieces) {
    return std::ranges::count_if(
        Shop::done, [&](const std::string& line) { return line.ends_with(": note " + pieces); });
}

}  // namespace

TEST_CASE("a run for which there is no memory fails, and the next is as good as any") {
    fail_each_allocation(
        [](AllocationFailure& failure) {
            ShopWorld world(R"(
                "all": {"on": "shop.Order", "fair_by": "{{event.customer}}",
                        "throttle": {"time": "1s", "by": "{{event.customer}}"},
                        "if": {"member": "pieces", "above": 0}, "do": [
                    {"lock": "stock", "do": [
                        {"call": "shop.reserve", "with": {"customer": "{{event.customer}}",
                         "pieces": "{{event.pieces}}"}, "as": "stock"}]},
                    {"send": "shop.Paid", "with": {"customer": "{{event.customer}}"}},
                    {"call": "shop.note", "with": {"text": "{{event.pieces}}"}}]})",
                            Registry().add<Shop>().add<RulesModule>());
            world.run(order_twice(world, failure));
            const AllocationPause pause;
            INFO(failure.where());
            INFO(world.log());
            CHECK(notes("2") == 1);
            // What went wrong is in the log, unless the sender was told.
            CHECK((notes("1") == 1 || failure.happened()));
        },
        5);
}

}  // namespace weir::rules
