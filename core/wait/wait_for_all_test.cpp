#include "core/wait/wait_for_all.h"

#include <stdexcept>

#include <catch2/catch.hpp>

#include "core/wait/do_events.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

std::vector<Matcher> pings(int count) {
    std::vector<Matcher> matchers;
    for (int i = 0; i != count; ++i) {
        matchers.push_back(match<Ping>(i).make());
    }
    return matchers;
}

Task<> send_pings(World& world, std::vector<int> numbers) {
    for (const int number : numbers) {
        co_await do_events();
        world.ping(number);
    }
}

}  // namespace

TEST_CASE("waiting for all of several events returns them in order of arrival", "[wait_for_all]") {
    World world;
    world.start([](World& w) -> Task<> {
        const auto matched = co_await wait_for_all(pings(4));
        for (const Matched& one : matched) {
            w.output += std::to_string(one.which);
            CHECK(one.event->as<Ping>().number == static_cast<int>(one.which));
        }
    });
    world.container.start(send_pings(world, {2, 0, 2, 2, 3, 1, 0}));
    CHECK(world.run() == "2031");
}

TEST_CASE("waiting for no events returns at once", "[wait_for_all]") {
    World world;
    world.start([](World& w) -> Task<> {
        const auto matched = co_await wait_for_all({});
        CHECK(matched.empty());
        w.output += "done";
    });
    CHECK(world.run() == "done");
}

TEST_CASE("equal matchers each take an event", "[wait_for_all]") {
    World world;
    world.start([](World& w) -> Task<> {
        std::vector<Matcher> same(3, match<Ping>().make());
        const auto matched = co_await wait_for_all(std::move(same));
        for (const Matched& one : matched) {
            w.output += std::to_string(one.event->as<Ping>().number);
        }
    });
    world.container.start(send_pings(world, {7, 8, 9}));
    CHECK(world.run() == "789");
}

TEST_CASE("the callback is called for each event when it arrives", "[wait_for_all]") {
    World world;
    world.start([](World& w) -> Task<> {
        WaitForAll::Callback callback = [&w](const Matched& one) {
            w.output += std::to_string(one.which) + ' ';
        };
        co_await wait_for_all(pings(2), std::move(callback));
        w.output += "done";
    });
    world.container.start(send_pings(world, {1, 5, 0}));
    CHECK(world.run() == "1 0 done");
}

TEST_CASE("wait_for_all throws what the callback throws", "[wait_for_all]") {
    World world;
    world.other = world.start([](World& w) -> Task<> {
        WaitForAll::Callback callback = [](const Matched&) { throw std::runtime_error("enough"); };
        try {
            co_await wait_for_all(pings(2), std::move(callback));
        } catch (const std::runtime_error& e) {
            w.output += e.what();
        }
        co_await sleep(1s);
        CHECK(w.other->subscriptions().empty() == false);
    });
    world.container.start(send_pings(world, {1, 0}));
    CHECK(world.run() == "enough");
}

TEST_CASE("wait_for_all_to_process lets blocking events leave their queue", "[wait_for_all]") {
    World world;
    const bool process = GENERATE(true, false);
    world.begin(
        +[](World& w, bool processed) -> Task<> {
            w.scheduler.emergency_send(make_event<Job>(1));
            w.scheduler.emergency_send(make_event<Job>(2));
            std::vector<Matcher> both;
            both.push_back(match<Job>(1).make());
            both.push_back(match<Job>(2).make());
            WaitForAll all = processed ? wait_for_all_to_process(std::move(both))
                                       : wait_for_all(std::move(both));
            const auto matched = co_await all;
            w.output += std::to_string(matched.size());
        },
        {}, process);
    CHECK(world.run() == (process ? "2" : ""));  // the first blocks the second
    for (const int number : {1, 2}) {
        world.scheduler.ignore(match<Job>(number).make());
    }
}

TEST_CASE("a wait describes the matchers that have not matched", "[wait_for_all]") {
    World world;
    world.other = world.start([](World&) -> Task<> { co_await wait_for_all(pings(3)); });
    world.start([](World& w) -> Task<> {
        w.ping(1);
        co_await do_events();
        CHECK(w.other->wait()->describe() == "weir.test.Ping(0) and weir.test.Ping(2)");
        w.output += "checked";
    });
    CHECK(world.run() == "checked");
}

TEST_CASE("what has come before a wait for all fails can be seen", "[wait_for_all]") {
    World world;
    world.start([](World& w) -> Task<> {
        WaitForAll all = wait_for_all(pings(3));
        const bool in_time = co_await execute_with_timeout(
            1s, [](WaitForAll& waiting) -> Task<> { co_await waiting; }(all));
        CHECK_FALSE(in_time);
        for (const Matched& one : all.arrived()) {
            w.output += std::to_string(one.which);
        }
    });
    world.container.start(send_pings(world, {2, 0}));
    CHECK(world.run() == "20");
}
