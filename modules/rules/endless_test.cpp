#include <algorithm>
#include <string>

#include "core/wait/do_events.h"
#include "modules/rules/test_shop.h"
#include "modules/system/server/checked_app.h"

namespace weir::rules {

namespace {

std::string warnings_of(const std::string& rules) {
    config::Problems problems;
    const CheckedApp app(SimulatedServer::read(app_with(rules)), Registry().add<Shop>(), problems);
    std::string text = problems.text();
    for (const config::Problem& warning : app.warnings()) {
        text += warning.path.substr(warning.path.find("rules.rules.") + 12) + ": " + warning.what +
                "\n";
    }
    return text;
}

}  // namespace

TEST_CASE("rules that send each other events without end let others have their turn, and unload") {
    ShopWorld world(
        R"("a": {"on": "shop.Order", "do": [{"send": "rules.Failed", "with": {"rule": "x"}}]},
        "b": {"on": "rules.Failed", "do": [{"send": "shop.Order", "with": {"customer": "x"}}]},
        "note": {"on": "shop.Paid", "do": [{"call": "shop.note", "with": {"text": "paid"}}]})");
    const auto script = [](ShopWorld& own) -> Task<> {
        Task<> ordering = own.order(R"({"customer": "ann"})");
        co_await ordering;
        for (int i = 0; i != 10; ++i) {
            co_await do_events();
        }
        Task<> paying = own.pay(R"({"customer": "ann"})");
        co_await paying;
        for (int i = 0; i != 10; ++i) {
            co_await do_events();
        }
        CHECK(Shop::done.size() == 1);
        Task<> unloading = own.loader().unload("rules");
        co_await unloading;
    };
    world.run(script(world));
    // The two warnings about rules without end.
    const std::string log = world.log();
    CHECK(std::ranges::count(log, '\n') == 2);
    CHECK(log.find("this never ends") != std::string::npos);
}

TEST_CASE("a check warns of rules that send each other events without end, and of keys for all") {
    CHECK(warnings_of(
              R"("a": {"on": "shop.Order",
                     "do": [{"send": "shop.Order", "with": {"customer": "x"}}]})")
              .starts_with("a.do[0]: this never ends: "));
    CHECK(warnings_of(R"("a": {"on": "shop.Order", "if": {"member": "pieces", "above": 1},
        "do": [{"send": "shop.Order", "with": {"customer": "x"}}]})") == "");
    CHECK(warnings_of(R"("a": {"on": "shop.Order", "fair_by": "event.customer",
        "do": [{"log": "x"}]})") ==
          "a.fair_by: a constant text, here 'event.customer', is the same for all events: did you "
          "mean \"{{event.customer}}\"?\n");
}

}  // namespace weir::rules
