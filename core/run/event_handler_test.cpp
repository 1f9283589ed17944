#include "core/run/event_handler.h"

#include <optional>
#include <stdexcept>

#include <catch2/catch.hpp>

#include "core/wait/do_events.h"
#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

Task<> ping_three_times(World& world) {
    for (int i = 0; i != 3; ++i) {
        co_await sleep(1s);
        world.ping(i);
    }
    co_await do_events();
}

}  // namespace

TEST_CASE("an event handler calls a function for each event that matches", "[event_handler]") {
    World world;
    EventHandler handler(world.scheduler);
    CHECK(handler.daemon());
    handler.handle(match<Ping>().make(), [&world](const Ref<Event>& event) {
        world.output += std::to_string(event->as<Ping>().number);
    });
    handler.handle(match<Job>().make(), [&world](const Ref<Event>&) { world.output += "job"; });
    world.container.start(ping_three_times(world));
    CHECK(world.run() == "012");
    CHECK(handler.subscriptions().empty());  // at the end it stops handling
}

TEST_CASE("an event handler may stop, also while it is called", "[event_handler]") {
    World world;
    EventHandler handler(world.scheduler);
    const Matcher pings = match<Ping>().make();
    handler.handle(pings, [&, text = std::string("called once")](const Ref<Event>&) {
        handler.stop(pings);
        world.output += text;
    });
    world.container.start(ping_three_times(world));
    CHECK(world.run() == "called once");
    handler.stop(pings);  // does nothing
}

TEST_CASE("a second function for a matcher replaces the first, also while that is called",
          "[event_handler]") {
    World world;
    EventHandler handler(world.scheduler);
    const Matcher pings = match<Ping>().make();
    handler.handle(pings, [&, text = std::string("first ")](const Ref<Event>&) {
        handler.handle(pings, [&world](const Ref<Event>&) { world.output += "second "; });
        world.output += text;
    });
    world.container.start(ping_three_times(world));
    CHECK(world.run() == "first second second ");
}

TEST_CASE("a function that throws is logged and goes on receiving", "[event_handler]") {
    World world;
    EventHandler handler(world.scheduler);
    handler.handle(match<Ping>().make(), [&world](const Ref<Event>& event) {
        if (event->as<Ping>().number != 1) {
            world.output += "called ";
            return;
        }
        throw std::runtime_error("broken");
    });
    handler.handle(match<Ping>(2).make(), {});  // there is no function to call
    world.container.start(ping_three_times(world));
    CHECK(world.run() == "called ");
    REQUIRE(world.log.size() == 2);
    CHECK(world.log[0] == "a handler of weir.test.Ping(number=1) with an exception: broken");
    world.log.clear();
    CHECK_THROWS_AS(handler.handle(Matcher(), {}), std::invalid_argument);
}

TEST_CASE("a handler that is no daemon keeps the scheduler running while it handles something",
          "[event_handler]") {
    World world;
    EventHandler handler(world.scheduler, false);
    const Matcher pings = match<Ping>().make();
    handler.handle(pings, [&](const Ref<Event>&) {
        world.output += "pinged";
        handler.stop(pings);
    });
    world.simulation.happen(1h, [&world] { world.ping(); });
    CHECK(world.run() == "pinged");
    CHECK(world.time() == 1h);
}

TEST_CASE("an event handler processes events that block", "[event_handler]") {
    World world;
    world.start([](World& w) -> Task<> {
        w.scheduler.emergency_send(make_event<Job>(1));
        w.scheduler.emergency_send(make_event<Job>(2));
        co_await sleep(1s);
        EventHandler handler(w.scheduler);
        handler.handle(match<Job>().make(), [&w](const Ref<Event>& event) {
            event->set_ignorable();
            w.output += std::to_string(event->as<Job>().number);
        });
        co_await sleep(1s);
    });
    CHECK(world.run() == "12");
}

TEST_CASE("event handlers stop when the scheduler quits", "[event_handler][quit]") {
    World world;
    EventHandler handler(world.scheduler, false);
    handler.handle(match<Ping>().make(), [](const Ref<Event>&) {});
    world.start([](World& w) -> Task<> {
        w.scheduler.quit();
        co_return;
    });
    CHECK(world.run().empty());
    CHECK(world.scheduler.subscribers().empty());
}
