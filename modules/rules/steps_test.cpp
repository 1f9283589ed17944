#include "modules/rules/test_shop.h"

namespace weir::rules {

TEST_CASE("a rule calls a function with values of the event, which keep their type") {
    ShopWorld world(R"(
        "reserve": {"on": "shop.Order", "do": [
            {"call": "shop.reserve",
             "with": {"customer": "{{event.customer}}", "pieces": "{{event.pieces}}"}},
            {"call": "shop.note", "with": {"text": "{{event.items}}"}},
            {"call": "shop.note", "with": {"text": "{{event.customer}}: \\{{ {{event.pieces}} }}"}}
        ]})");
    world.run_orders({R"({"customer": "ann", "pieces": 7, "items": [{"id": 1.5}]})"});
    CHECK(Shop::done ==
          Lines{"0: reserve ann 7", R"(0: note [{"id":1.5}])", R"(0: note "ann: {{ 7 }}")"});
    CHECK(world.log() == "");
}

TEST_CASE("later steps use the results of earlier ones") {
    ShopWorld world(R"(
        "reserve": {"on": "shop.Order", "do": [
            {"call": "shop.reserve", "with": {"customer": "bob", "pieces": 30}, "as": "stock"},
            {"set": {"left": "{{stock.left}}", "on": ["{{stock.shelf}}"]}, "as": "made"},
            {"call": "shop.note", "with": {"text": "{{made}}"}},
            {"call": "shop.note", "with": {"text": "{{made.on.0}}"}}
        ]})");
    world.run_orders({R"({"customer": "ann"})"});
    CHECK(Shop::done ==
          Lines{"0: reserve bob 30", R"(0: note {"left":70,"on":["A7"]})", R"(0: note "A7")"});
    CHECK(world.log() == "");
}

TEST_CASE("a rule is about events with values of indices and members, if its condition holds") {
    ShopWorld world(R"(
        "anns": {"on": {"event": "shop.Order", "where": {"customer": "ann", "note": "x"}},
                 "do": [{"call": "shop.note", "with": {"text": "ann {{event.pieces}}"}}]},
        "large": {"on": "shop.Order",
                  "if": {"all": [{"member": "pieces", "above": 10, "at_most": 20},
                                 {"member": "customer", "matches": "^b"}],
                         "none": [{"member": "note", "one_of": ["no", "never"]}]},
                  "do": [{"call": "shop.note", "with": {"text": "large {{event.pieces}}"}}]},
        "listed": {"on": "shop.Order", "if": {"any": [{"member": "items.0", "exists": true},
                                                      {"member": "pieces", "is": 99}]},
                   "do": [{"call": "shop.note", "with": {"text": "listed"}}]})");
    world.run_orders({R"({"customer": "ann", "note": "x", "pieces": 1})",
                      R"({"customer": "ann", "pieces": 2})", R"({"customer": "bob", "pieces": 11})",
                      R"({"customer": "bob", "pieces": 20, "items": ["a"]})",
                      R"({"customer": "bob", "pieces": 21})",
                      R"({"customer": "bob", "pieces": 12, "note": "never"})",
                      R"({"customer": "cid", "pieces": 12})",
                      R"({"customer": "cid", "pieces": 99})"});
    CHECK(Shop::done == Lines{R"(0: note "ann 1")", R"(0: note "large 11")",
                              R"(0: note "large 20")", R"(0: note "listed")",
                              R"(0: note "listed")"});
    CHECK(world.log() == "");
}

TEST_CASE("a rule sends events, which other rules are about") {
    ShopWorld world(R"(
        "pay": {"on": "shop.Order", "do": [
            {"send": "shop.Paid", "with": {"customer": "{{event.customer}}", "euros": 2.5}}]},
        "thank": {"on": "shop.Paid", "do": [
            {"call": "shop.note", "with": {"text": "{{event.customer}} {{event.euros}}"}}]})");
    world.run_orders({R"({"customer": "ann"})"});
    CHECK(Shop::done == Lines{R"(0: note "ann 2.5")"});
    CHECK(world.log() == "");
}

TEST_CASE("a rule branches, repeats and sleeps") {
    ShopWorld world(R"(
        "all": {"on": "shop.Order", "do": [
            {"each": "{{event.items}}", "do": [
                {"if": {"value": "{{item.price}}", "above": 10},
                 "then": [{"call": "shop.note", "with": {"text": "dear {{item.name}}"}}],
                 "else": [{"call": "shop.note", "with": {"text": "cheap {{item.name}}"}}]},
                {"sleep": "3s"}]},
            {"call": "shop.note", "with": {"text": "end"}}]})");
    world.run_orders({R"({"customer": "ann", "items": [{"name": "a", "price": 11},
                                                       {"name": "b", "price": 9}]})"});
    CHECK(Shop::done == Lines{R"(0: note "dear a")", R"(3: note "cheap b")", R"(6: note "end")"});
    CHECK(world.log() == "");
}

namespace {

Task<> pay_late(ShopWorld& world) {
    Task<> ordering = world.order(R"({"customer": "ann"})");
    co_await ordering;
    Task<> other = world.order(R"({"customer": "bob"})");
    co_await other;
    co_await sleep(3s);
    Task<> paying = world.pay(R"({"customer": "ann", "euros": 3})");
    co_await paying;
    co_await sleep(100s);
}

}  // namespace

TEST_CASE("a rule waits for another event, at most for its timeout") {
    ShopWorld world(R"(
        "deliver": {"on": "shop.Order", "do": [
            {"wait": {"event": "shop.Paid", "where": {"customer": "{{event.customer}}"}},
             "timeout": "5s", "as": "paid",
             "on_error": [{"call": "shop.note",
                           "with": {"text": "{{event.customer}}: {{error.code}}"}},
                          {"fail": "not paid"}]},
            {"call": "shop.note", "with": {"text": "{{event.customer}} paid {{paid.euros}}"}}]})");
    world.run(pay_late(world));
    CHECK(Shop::done == Lines{R"(3: note "ann paid 3.0")", R"(5: note "bob: timeout")"});
    CHECK(world.log() == "warning: failed at do[0].on_error[1]: failed: not paid\n");
}

TEST_CASE("steps under a lock exclude those of other runs with the same key") {
    ShopWorld world(R"(
        "one": {"on": "shop.Order", "do": [
            {"lock": "customer {{event.customer}}", "as": "token", "do": [
                {"call": "shop.slow"}]}]})");
    world.run_orders(
        {R"({"customer": "ann"})", R"({"customer": "bob"})", R"({"customer": "ann"})"});
    CHECK(Shop::done == Lines{"0: slow", "0: slow", "10: slow ends", "10: slow ends", "10: slow",
                              "20: slow ends"});
    CHECK(world.log() == "");
}

TEST_CASE("a step whose lock is held may fail instead of waiting") {
    ShopWorld world(R"(
        "one": {"on": "shop.Order", "do": [
            {"lock": "stock", "if_held": "fail", "do": [{"call": "shop.slow"}],
             "on_error": [{"call": "shop.note", "with": {"text": "{{error.message}}"}}]}]})");
    world.run_orders({R"({"customer": "ann"})", R"({"customer": "bob"})"});
    CHECK(Shop::done == Lines{"0: slow", R"(0: note "the lock 'stock' is held")", "10: slow ends"});
    CHECK(world.log() == "");
}

namespace {

Task<> break_lock_of_order(ShopWorld& world) {
    Task<> ordering = world.order(R"({"customer": "ann"})");
    co_await ordering;
    co_await sleep(3s);
    Json key{{"key", "stock"}};
    const ApiResult<Json> broken = co_await call("lock", "break", std::move(key));
    CHECK(broken);
    co_await sleep(100s);
}

}  // namespace

TEST_CASE("steps under a lock that is lost are cancelled, and the step fails") {
    ShopWorld world(R"(
        "one": {"on": "shop.Order", "do": [
            {"lock": "stock", "do": [{"call": "shop.slow"}],
             "on_error": [{"call": "shop.note", "with": {"text": "{{error.code}}"}}]}]})");
    world.run(break_lock_of_order(world));
    CHECK(Shop::done == Lines{"0: slow", R"(3: note "lock_lost")"});
}

TEST_CASE("a step that fails is tried again, with growing pauses") {
    ShopWorld world(R"(
        "try": {"on": "shop.Order", "do": [
            {"call": "shop.break_down",
             "retry": {"times": 3, "backoff": "2s", "factor": 2, "jitter": 0, "longest": "6s"}},
            {"call": "shop.note", "with": {"text": "done"}}]})");
    Shop::failures = 3;
    world.run_orders({R"({"customer": "ann"})"});
    CHECK(Shop::done == Lines{"0: break_down", "2: break_down", "6: break_down", "12: break_down",
                              R"(12: note "done")"});
    CHECK(world.log() == "");
}

TEST_CASE("what fails for good is an event with its reason, for other rules") {
    ShopWorld world(R"(
        "try": {"on": "shop.Order", "do": [
            {"if": {"member": "pieces", "is": 1},
             "then": [{"call": "shop.break_down",
                       "retry": {"times": 1, "backoff": "1s", "jitter": 0}}]}]},
        "tell": {"on": {"event": "rules.Failed", "where": {"rule": "try"}}, "do": [
            {"set": ["{{event.step}}", "{{event.code}}", "{{event.message}}", "{{event.attempts}}",
                     "{{event.event.customer}}"], "as": "all"},
            {"call": "shop.note", "with": {"text": "{{all}}"}},
            {"fail": "also this"}]})");
    Shop::failures = 100;
    world.run_orders({R"({"customer": "ann"})"});
    REQUIRE(Shop::done.size() == 3);
    CHECK(Shop::done.back() ==
          R"(1: note ["do[0].then[0]","broken","it does not work today",2,"ann"])");
    CHECK(world.log() ==
          "warning: failed at do[0].then[0]: broken: it does not work today (tried 2 "
          "times)\n"
          "warning: failed at do[2]: failed: also this\n");
}

TEST_CASE("a failure within `on_error` hides the outer one only there") {
    ShopWorld world(R"(
        "r": {"on": "shop.Order", "do": [
            {"fail": "outer", "on_error": [
                {"fail": "inner", "on_error": [
                    {"call": "shop.note", "with": {"text": "{{error.message}}"}}]},
                {"call": "shop.note", "with": {"text": "{{error.message}}"}}]}]})");
    world.run_orders({R"({"customer": "ann", "pieces": 4})"});
    CHECK(Shop::done == Lines{R"(0: note "inner")", R"(0: note "outer")"});
    CHECK(world.log() == "");
}

TEST_CASE("each try is counted when it comes") {
    ShopWorld world(R"(
        "try": {"on": "shop.Order", "do": [
            {"call": "shop.break_down",
             "retry": {"times": 2, "backoff": "10s", "jitter": 0}}]})");
    const auto script = [](ShopWorld& own) -> Task<> {
        Shop::failures = 100;
        Task<> sending = own.order(R"({"customer": "ann"})");
        co_await sending;
        co_await sleep(15s);
        Json none = Json::object();
        const ApiResult<Json> listed = co_await call("rules", "list", std::move(none));
        CHECK(listed.value()[0]["retries"] == 1);
        CHECK(listed.value()[0]["running"] == 1);
    };
    world.run(script(world));
    CHECK(world.log() ==
          "warning: failed at do[0]: broken: it does not work today (tried 3 times)\n");
}

TEST_CASE("a value that is missing fails the step that needs it") {
    ShopWorld world(R"(
        "need": {"on": "shop.Order", "do": [
            {"call": "shop.note", "with": {"text": "{{event.items.3}}"},
             "retry": {"times": 9}}]})");
    world.run_orders({R"({"customer": "ann"})"});
    CHECK(Shop::done.empty());
    CHECK(world.log() == "warning: failed at do[0]: no_value: {{event.items.3}} has no value\n");
}

TEST_CASE("a rule on start runs when all modules have started") {
    ShopWorld world(
        R"("begin": {"on": "start", "do": [{"call": "shop.note", "with": {"text": 1}}]})");
    world.run_orders({});
    CHECK(Shop::done == Lines{"0: note 1"});
    CHECK(world.log() == "");
}

}  // namespace weir::rules
