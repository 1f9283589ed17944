#include <algorithm>

#include "modules/rules/test_shop.h"
#include "modules/testing/allocations.h"

namespace weir::rules {

namespace {

std::string numbered(const char* customer, int pieces) {
    return R"({"customer": ")" + std::string(customer) + R"(", "pieces": )" +
           std::to_string(pieces) + "}";
}

std::int64_t second_of(Scheduler& scheduler) {
    return std::chrono::duration_cast<std::chrono::seconds>(scheduler.now().time_since_epoch())
        .count();
}

// Sends orders as fast as their queue takes them, and notes when that was.
Task<> send_orders(ShopWorld& world, int count, std::vector<std::int64_t>& taken) {
    co_await sleep(1s);  // until the modules are loaded
    for (int i = 0; i != count; ++i) {
        Task<> sending = world.order(numbered("ann", i));
        co_await sending;
        taken.push_back(second_of(world.scheduler()));
    }
    co_await sleep(200s);
}

Task<> list_rules(std::vector<RuleInfo>& infos) {
    const NoParameters none;
    const auto listed = co_await call<std::vector<RuleInfo>>("rules", "list", none);
    infos = listed.value();
}

Task<> order_at(ShopWorld& world, std::vector<std::pair<int, std::string>> orders, Duration then) {
    for (auto& [second, json] : orders) {
        co_await sleep(std::chrono::seconds(second) - world.scheduler().now().time_since_epoch());
        Task<> ordering = world.order(std::move(json));
        co_await ordering;
    }
    co_await sleep(then);
}

constexpr const char* note_pieces =
    R"("do": [{"call": "shop.note", "with": {"text": "{{event.customer}} {{event.pieces}}"}}])";

}  // namespace

TEST_CASE("a rule runs as often at a time as it may, and others wait in order") {
    ShopWorld world(R"("slow": {"on": "shop.Order", "at_once": 2, "do": [{"call": "shop.slow"}]})");
    world.run_orders(
        {numbered("a", 1), numbered("b", 2), numbered("c", 3), numbered("d", 4), numbered("e", 5)});
    CHECK(Shop::done == Lines{"0: slow", "0: slow", "10: slow ends", "10: slow ends", "10: slow",
                              "10: slow", "20: slow ends", "20: slow ends", "20: slow",
                              "30: slow ends"});
    CHECK(world.log() == "");
}

TEST_CASE("when as many events wait as may, their senders wait") {
    ShopWorld world(R"("slow": {"on": "shop.Order", "at_once": 1, "waiting": 2,
                                "do": [{"call": "shop.slow"}]})");
    std::vector<std::int64_t> taken;
    world.run(send_orders(world, 8, taken));
    // One runs, two wait for the rule, three in the queue.
    CHECK(taken == std::vector<std::int64_t>{1, 1, 1, 1, 1, 1, 11, 21});
    CHECK(Shop::done.size() == 16);
    CHECK(world.log() == "");
}

TEST_CASE("events of other types pass while one type is held back") {
    ShopWorld world(R"(
        "slow": {"on": "shop.Order", "at_once": 1, "waiting": 1, "do": [{"call": "shop.slow"}]},
        "paid": {"on": "shop.Paid", "do": [{"call": "shop.note", "with": {"text": "paid"}}]})");
    const auto run = [](ShopWorld& own) -> Task<> {
        for (int i = 0; i != 3; ++i) {
            Task<> ordering = own.order(numbered("ann", i));
            co_await ordering;
        }
        co_await sleep(1s);
        Task<> paying = own.pay(R"({"customer": "ann"})");
        co_await paying;
        co_await sleep(100s);
    };
    world.run(run(world));
    CHECK(Shop::done == Lines{"0: slow", R"(1: note "paid")", "10: slow ends", "10: slow",
                              "20: slow ends", "20: slow", "30: slow ends"});
    CHECK(world.log() == "");
}

TEST_CASE("instead, the event that has waited longest may be dropped, and is counted") {
    ShopWorld world(R"("slow": {"on": "shop.Order", "at_once": 1, "waiting": 2,
                                "when_full": "drop_oldest",
                                "do": [{"call": "shop.slow"}, {"call": "shop.note",
                                        "with": {"text": "{{event.pieces}}"}}]})");
    std::vector<RuleInfo> infos;
    const auto run = [](ShopWorld& own, std::vector<RuleInfo>& listed) -> Task<> {
        for (int i = 0; i != 6; ++i) {
            Task<> ordering = own.order(numbered("ann", i));
            co_await ordering;
            co_await sleep(1s);
        }
        Task<> listing = list_rules(listed);
        co_await listing;
        co_await sleep(100s);
    };
    world.run(run(world, infos));
    CHECK(Shop::done == Lines{"0: slow", "10: slow ends", "10: note 0", "10: slow", "20: slow ends",
                              "20: note 4", "20: slow", "30: slow ends", "30: note 5"});
    REQUIRE(infos.size() == 1);
    CHECK(infos[0].dropped == 3);
    CHECK(infos[0].running == 1);
    CHECK(infos[0].waiting == 2);
    CHECK(infos[0].events == 6);
    CHECK(world.log() == "");
}

TEST_CASE("events that wait take turns by the value that a rule names") {
    ShopWorld world(R"("fair": {"on": "shop.Order", "at_once": 1,
                                "fair_by": "{{event.customer}}", "do": [{"call": "shop.note",
                                "with": {"text": "{{event.customer}} {{event.pieces}}"}},
                                {"sleep": "1s"}]})");
    world.run_orders({numbered("a", 1), numbered("a", 2), numbered("a", 3), numbered("a", 4),
                      numbered("b", 5), numbered("b", 6), numbered("c", 7)});
    CHECK(Shop::done == Lines{R"(0: note "a 1")", R"(1: note "a 2")", R"(2: note "b 5")",
                              R"(3: note "c 7")", R"(4: note "a 3")", R"(5: note "b 6")",
                              R"(6: note "a 4")"});
    CHECK(world.log() == "");
}

TEST_CASE("debounce fires for the last event, when no further one has come for its time") {
    ShopWorld world(std::string(R"("rest": {"on": "shop.Order",
        "debounce": {"time": "5s", "by": "{{event.customer}}"}, )") +
                    note_pieces + "}");
    world.run(order_at(world,
                       {{0, numbered("ann", 1)},
                        {1, numbered("bob", 2)},
                        {3, numbered("ann", 3)},
                        {20, numbered("ann", 4)}},
                       60s));
    CHECK(Shop::done == Lines{R"(6: note "bob 2")", R"(8: note "ann 3")", R"(25: note "ann 4")"});
    CHECK(world.log() == "");
}

TEST_CASE("a delayed event that fails is told, and holds up no other") {
    const std::string fair = R"("fair_by": "{{event.items.0}}", )";
    const std::string throttled = R"("throttle": {"time": "1s", "by": "{{event.items.0}}"}, )";
    const auto [step, setting] = GENERATE_COPY(
        table<std::string, std::string>({{"fair_by", fair}, {"throttle", throttled}}));
    ShopWorld world(R"("rest": {"on": "shop.Order",
        "debounce": {"time": "5s", "by": "{{event.customer}}"}, )" +
                    setting + note_pieces + R"(},
        "tell": {"on": "rules.Failed", "do": [{"call": "shop.note", "with": {
            "text": "{{event.code}} {{event.event.customer}}"}}]})");
    world.run(order_at(
        world,
        {{0, R"({"customer": "ann"})"}, {1, R"({"customer": "bob", "pieces": 2, "items": ["a"]})"}},
        60s));
    CHECK(Shop::done == Lines{R"(5: note "no_value ann")", R"(6: note "bob 2")"});
    CHECK(world.log() ==
          "warning: failed at " + step + ": no_value: {{event.items.0}} has no value\n");
}

TEST_CASE("an event that fails when its rule changes keeps no other rule from its beginning") {
    const std::string rule = R"("rest": {"on": "shop.Order", "debounce": {"time": "1h"},
        "fair_by": "{{event.items.0}}", )";
    ShopWorld world(rule + note_pieces + "}");
    const std::string changed = app_with(
        rule + R"("do": [{"log": "changed"}]}, "new": {"on": "shop.Order", )" + note_pieces + "}");
    const auto run = [](ShopWorld& own, const std::string& configuration) -> Task<> {
        co_await sleep(1s);
        Task<> ordering = own.order(R"({"customer": "ann"})");
        co_await ordering;
        co_await sleep(100ms);
        own.server().reconfigure(SimulatedServer::read(configuration));
        Task<> again = own.order(R"({"customer": "bob", "pieces": 2})");
        co_await again;
        co_await sleep(1s);
        std::vector<std::string> names{"rules"};
        Task<> reloading = own.loader().reload(std::move(names));
        co_await reloading;
        co_await sleep(1s);
    };
    world.run(run(world, changed));
    CHECK(Shop::done == Lines{R"(1: note "bob 2")"});
    const std::string failure =
        "warning: failed at fair_by: no_value: {{event.items.0}} has no value\n";
    CHECK(world.log() == failure + failure);
}

TEST_CASE("rules whose unloading is refused go on") {
    ShopWorld world(std::string(R"(
        "nap": {"on": {"event": "shop.Order", "where": {"customer": "ann"}},
                "do": [{"sleep": "1h"}]},
        "other": {"on": {"event": "shop.Order", "where": {"customer": "bob"}}, )") +
                    note_pieces + "}");
    const auto run = [](ShopWorld& own) -> Task<> {
        co_await sleep(1s);
        Task<> ordering = own.order(numbered("ann", 1));
        co_await ordering;
        co_await sleep(1s);
        bool is_refused = false;
        try {
            Task<> unloading = own.loader().unload("rules");
            co_await unloading;
        } catch (const std::exception&) {
            is_refused = true;
        }
        CHECK(is_refused);
        Task<> again = own.order(numbered("bob", 2));
        co_await again;
        co_await sleep(2h);
    };
    world.run(run(world));
    CHECK(Shop::done == Lines{R"(7: note "bob 2")"});
    CHECK(world.log() == "");
}

TEST_CASE("throttle fires at once, and then at most once in its time, for the last event") {
    ShopWorld world(std::string(R"("some": {"on": "shop.Order",
        "throttle": {"time": "5s"}, )") +
                    note_pieces + "}");
    world.run(order_at(world,
                       {{0, numbered("ann", 1)},
                        {1, numbered("bob", 2)},
                        {3, numbered("cid", 3)},
                        {6, numbered("dan", 4)},
                        {30, numbered("eve", 5)}},
                       60s));
    CHECK(Shop::done == Lines{R"(0: note "ann 1")", R"(5: note "cid 3")", R"(10: note "dan 4")",
                              R"(30: note "eve 5")"});
    CHECK(world.log() == "");
}

TEST_CASE("once fires for the first event of a value, and for no other within its time") {
    ShopWorld world(std::string(R"("first": {"on": "shop.Order",
        "once": {"time": "10s", "by": "{{event.customer}}"}, )") +
                    note_pieces + "}");
    world.run(order_at(world,
                       {{0, numbered("ann", 1)},
                        {1, numbered("ann", 2)},
                        {2, numbered("bob", 3)},
                        {9, numbered("ann", 4)},
                        {11, numbered("ann", 5)}},
                       60s));
    CHECK(Shop::done == Lines{R"(0: note "ann 1")", R"(2: note "bob 3")", R"(11: note "ann 5")"});
    CHECK(world.log() == "");
}

TEST_CASE("rules change one by one, and runs under way end in the old form") {
    const std::string steady = R"("steady": {"on": "shop.Paid", "do": [{"call": "shop.slow"}]})";
    ShopWorld world(steady + R"(, "note": {"on": "shop.Order", "do": [
        {"sleep": "5s"}, {"call": "shop.note", "with": {"text": "old"}}]},
        "gone": {"on": "shop.Order", "do": [{"call": "shop.note", "with": {"text": "gone"}}]})");
    const std::string changed = app_with(steady + R"(, "note": {"on": "shop.Order", "do": [
        {"call": "shop.note", "with": {"text": "new"}}]})");
    std::vector<RuleInfo> before;
    std::vector<RuleInfo> after;
    const auto run = [](ShopWorld& own, const std::string& configuration,
                        std::vector<RuleInfo>& one, std::vector<RuleInfo>& other) -> Task<> {
        Task<> ordering = own.order(numbered("ann", 1));
        co_await ordering;
        Task<> paying = own.pay(R"({"customer": "ann"})");
        co_await paying;
        co_await sleep(1s);
        own.server().reconfigure(SimulatedServer::read(configuration));
        Task<> listing = list_rules(one);
        co_await listing;
        Task<> again = own.order(numbered("ann", 1));
        co_await again;
        co_await sleep(20s);
        Task<> at_last = list_rules(other);
        co_await at_last;
    };
    world.run(run(world, changed, before, after));
    CHECK(Shop::done == Lines{R"(0: note "gone")", "0: slow", R"(1: note "new")",
                              R"(5: note "old")", "10: slow ends"});
    REQUIRE(before.size() == 3);
    CHECK(before[0].name == "note");
    CHECK(before[0].running == 0);
    CHECK(before[1].name == "steady");
    CHECK(before[1].running == 1);
    CHECK(before[2].state == "leaves");
    CHECK(before[2].running == 1);
    REQUIRE(after.size() == 2);
    CHECK(after[1].runs == 1);
    CHECK(world.log() == "");
}

TEST_CASE("a reload of the module ends runs under way, and loses no event that waits") {
    ShopWorld world(R"("slow": {"on": "shop.Order", "at_once": 1, "waiting": 2,
                                "do": [{"call": "shop.slow"}]})");
    const auto run = [](ShopWorld& own) -> Task<> {
        co_await sleep(1s);
        for (int i = 0; i != 5; ++i) {
            Task<> ordering = own.order(numbered("ann", i));
            co_await ordering;
        }
        co_await sleep(1s);
        std::vector<std::string> names{"rules"};
        Task<> reloading = own.loader().reload(std::move(names));
        co_await reloading;
        co_await sleep(200s);
    };
    world.run(run(world));
    CHECK(std::ranges::count_if(Shop::done, [](const std::string& line) {
              return line.ends_with("slow ends");
          }) == 5);
    CHECK(world.log() == "");
}

TEST_CASE("a rule that has fired ten thousand times holds no more memory than at first") {
    ShopWorld world(R"(
        "pay": {"on": "shop.Order", "throttle": {"time": "1ms", "by": "{{event.pieces}}"}, "do": [
            {"lock": "{{event.customer}}", "do": [{"send": "shop.Paid",
             "with": {"customer": "{{event.customer}}", "euros": "{{event.pieces}}"}}]}]},
        "end": {"on": "shop.Paid", "fair_by": "{{event.customer}}", "do": [
            {"set": {"of": "{{event.customer}}"}, "as": "made"}]})");
    std::int64_t grown = 0;
    std::vector<RuleInfo> infos;
    const auto run = [](ShopWorld& own, std::int64_t& difference,
                        std::vector<RuleInfo>& listed) -> Task<> {
        co_await sleep(1s);
        for (int i = 0; i != 10'100; ++i) {
            if (i == 100) {
                co_await sleep(1s);
                difference = -live_allocations();
            }
            Task<> ordering = own.order(numbered("ann", i % 10 + 1));
            co_await ordering;
            co_await sleep(1ms);
        }
        co_await sleep(1s);
        difference += live_allocations();
        Task<> listing = list_rules(listed);
        co_await listing;
    };
    world.run(run(world, grown, infos));
    CHECK(grown < 50);
    REQUIRE(infos.size() == 2);
    CHECK(infos[0].runs == 10'100);
    CHECK(world.log() == "");
}

TEST_CASE("a rule processes events that block their queue, and leaves them there when it is full") {
    ShopWorld world(R"("work": {"on": "shop.Job", "at_once": 1, "waiting": 1,
                                "do": [{"call": "shop.slow"}, {"log": "{{event.number}}"}]})");
    std::size_t queued = 0;
    const auto run = [](ShopWorld& own, std::size_t& blocked) -> Task<> {
        co_await sleep(1s);
        for (int i = 0; i != 4; ++i) {
            Task<> sending = own.server().events().publish("shop.Job", R"({"number": 1})");
            co_await sending;
        }
        co_await sleep(5s);
        blocked = own.scheduler().blocked_events().size();
        co_await sleep(100s);
    };
    world.run(run(world, queued));
    CHECK(queued == 1);
    CHECK(Shop::done.size() == 8);
    CHECK(world.log() == "");
}

}  // namespace weir::rules
