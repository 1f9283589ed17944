#include "bakery.h"

#include <string>

#include <catch2/catch.hpp>
#include <weir/json.h>
#include <weir/testing.h>

#include "modules/system/server/server_metrics.h"

namespace {

weir::Task<> order_two(weir::SimulatedServer& world) {
    co_await weir::call("bakery", "order");
    co_await weir::call("bakery", "order");
    const std::string text = weir::metrics_text(weir::collect_metrics(world.server()));
    for (const char* line :
         {"weir_bakery_orders_total 2\n", "weir_bakery_waiting 0\n",
          "weir_bakery_shelf{sort=\"rye\"} 2\n", "weir_bakery_baking_seconds_sum 4800\n"}) {
        CAPTURE(line);
        CHECK(text.find(line) != std::string::npos);
    }
}

}  // namespace

TEST_CASE("the bakery of docs/metrics.md counts its orders") {
    weir::SimulatedServer world(R"({"server": {"startup": ["bakery"]}})",
                                weir::Registry().add<Bakery>());
    world.run(order_two(world));
}
