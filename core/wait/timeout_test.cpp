#include "core/wait/timeout.h"

#include <stdexcept>

#include <catch2/catch.hpp>

#include "core/wait/do_events.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

Task<int> work(World& world, Duration time) {
    const Mark mark(world.output, "(end of work) ");
    co_await sleep(time);
    co_return 7;
}

}  // namespace

TEST_CASE("sleepers wake in the order of their time", "[timeout]") {
    World world;
    const auto wait = [](World& w, Duration time, char letter) -> Task<> {
        co_await sleep(time);
        CHECK(w.time() == time);
        w.output += letter;
    };
    world.begin(wait, {}, Duration(100ms), 'B');
    world.begin(wait, {}, Duration(500ms), 'D');
    world.begin(wait, {}, Duration(0), 'A');
    world.begin(wait, {}, Duration(200ms), 'C');
    CHECK(world.run() == "ABCD");
    CHECK(world.time() == 500ms);
}

TEST_CASE("waiting with a timeout returns the event, or nothing when the timeout expires",
          "[timeout]") {
    World world;
    world.start([](World& w) -> Task<> {
        const auto one = match<Ping>(1).make();
        const auto two = match<Ping>(2).make();
        const auto first = co_await wait_with_timeout(1s, one, two);
        CHECK_FALSE(first.has_value());
        CHECK(w.time() == 1s);
        const auto second = co_await wait_with_timeout(10s, one, two);
        REQUIRE(second.has_value());
        CHECK(second->which == 1);
        CHECK(second->event->describe() == "weir.test.Ping(number=2)");
        CHECK(w.time() == 2s);
        CHECK(w.scheduler.timers().size() == 0);
        w.output += "done";
    });
    world.start([](World& w) -> Task<> {
        co_await sleep(2s);
        w.ping(2);
    });
    CHECK(world.run() == "done");
}

TEST_CASE("without a timeout a routine waits indefinitely", "[timeout]") {
    World world;
    world.start([](World& w) -> Task<> {
        const auto matched = co_await wait_with_timeout(std::nullopt, match<Ping>().make());
        CHECK(matched->which == 0);
        w.output += "pinged";
    });
    world.start([](World& w) -> Task<> {
        co_await sleep(1h * 24 * 365);
        w.ping();
    });
    CHECK(world.run() == "pinged");
}

TEST_CASE("a timeout of zero lets ready routines run first", "[timeout]") {
    World world;
    world.start([](World& w) -> Task<> {
        w.ping();
        const auto pings = match<Ping>().make();
        const auto matched = co_await wait_with_timeout(Duration(0), pings);
        CHECK(matched.has_value());
        const auto none = co_await wait_with_timeout(-1s, pings);
        CHECK_FALSE(none.has_value());
        CHECK(w.time() == 0s);
    });
    world.run();
}

TEST_CASE("a task that ends before the timeout returns its result", "[timeout]") {
    World world;
    world.start([](World& w) -> Task<> {
        const std::optional<int> result = co_await execute_with_timeout(2s, work(w, 1s));
        CHECK(result == 7);
        CHECK(w.scheduler.timers().size() == 0);
        const std::optional<int> slow = co_await execute_with_timeout(std::nullopt, work(w, 1h));
        CHECK(slow == 7);
        const bool ended =
            co_await execute_with_timeout(2s, [](World&) -> Task<> { co_await do_events(); }(w));
        CHECK(ended);
    });
    CHECK(world.run() == "(end of work) (end of work) ");
}

TEST_CASE("a task that takes longer than the timeout is unwound", "[timeout]") {
    World world;
    world.start([](World& w) -> Task<> {
        const Mark mark(w.output, "(end of routine)");
        const std::optional<int> result = co_await execute_with_timeout(1s, work(w, 2s));
        CHECK_FALSE(result.has_value());
        CHECK(w.time() == 1s);
        w.output += "goes on ";
        co_await do_events();
    });
    CHECK(world.run() == "(end of work) goes on (end of routine)");
}

TEST_CASE("timeouts nest: either the inner or the outer one may expire first", "[timeout]") {
    World world;
    const auto nested = [](World& w, Duration outer, Duration inner) -> Task<> {
        const bool ended =
            co_await execute_with_timeout(outer, [](World& w2, Duration time) -> Task<> {
                const auto result = co_await execute_with_timeout(time, work(w2, 1h));
                w2.output += result ? "worked " : "inner ";
                co_await sleep(1s);
            }(w, inner));
        w.output += ended ? "ended" : "outer";
        CHECK(w.scheduler.timers().size() == 0);
    };
    world.begin(nested, {}, Duration(5s), Duration(3s));
    CHECK(world.run() == "(end of work) inner ended");
    world.begin(nested, {}, Duration(3s), Duration(5s));
    CHECK(world.run() == "(end of work) outer");
    world.begin(nested, {}, Duration(3500ms), Duration(3s));
    CHECK(world.run() == "(end of work) inner outer");
}

TEST_CASE("execute_with_timeout throws the task's exception", "[timeout]") {
    World world;
    world.start([](World& w) -> Task<> {
        try {
            co_await execute_with_timeout(1s, [](World&) -> Task<> {
                co_await do_events();
                throw std::runtime_error("broken");
            }(w));
        } catch (const std::runtime_error& e) {
            w.output += e.what();
        }
        CHECK(w.scheduler.timers().size() == 0);
    });
    CHECK(world.run() == "broken");
}

TEST_CASE("a task within a timeout may clean up until the timeout expires when the scheduler quits",
          "[timeout][quit]") {
    World world;
    world.start([](World& w) -> Task<> {
        const bool ended = co_await execute_with_timeout(2s, [](World& w2) -> Task<> {
            try {
                co_await match<Ping>();
            } catch (const QuitException&) {
                w2.output += "cleaning up ";
            }
            co_await sleep(1h);
            w2.output += "not here";
        }(w));
        w.output += ended ? "ended" : "unwound";
    });
    world.start([](World& w) -> Task<> {
        co_await sleep(1s);
        w.scheduler.quit();
    });
    CHECK(world.run() == "cleaning up unwound");
    CHECK(world.time() == 2s);
}

TEST_CASE("a wait with a timeout describes its matchers and the timeout", "[timeout]") {
    World world;
    world.other = world.start_now(
        [](World&) -> Task<> { co_await wait_with_timeout(1500ms, match<Ping>().make()); });
    CHECK(world.other->wait()->describe() == "weir.test.Ping() or the end of 1.5 s");
    world.other = world.start_now([](World&) -> Task<> { co_await sleep(20ms); });
    CHECK(world.other->wait()->describe() == "the end of 0.02 s");
}
