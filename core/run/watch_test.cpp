#include "core/run/watch.h"

#include <functional>
#include <stdexcept>

#include <catch2/catch.hpp>

#include "core/wait/do_events.h"
#include "core/wait/timeout.h"
#include "core/wait/wait_for_all.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

using Callback = std::function<void(const Ref<Event>&, std::size_t)>;

Task<int> nap(World& world) {
    const Mark mark(world.output, "(end of nap) ");
    co_await sleep(10s);
    co_return 7;
}

Task<> ping_each_second(World& world) {
    for (int i = 0; i != 20; ++i) {
        co_await sleep(1s);
        world.ping(i);
    }
}

}  // namespace

TEST_CASE("while a task waits, a callback is called for events that match", "[watch]") {
    World world;
    world.start([](World& w) -> Task<> {
        Callback callback = [&w](const Ref<Event>& event, std::size_t which) {
            CHECK(w.scheduler.current() != nullptr);
            w.output +=
                std::to_string(which) + ':' + std::to_string(event->as<Ping>().number) + ' ';
        };
        const auto third = match<Ping>(3).make();
        const auto fifth = match<Ping>(5).make();
        const int result = co_await with_callback(nap(w), std::move(callback), fifth, third);
        w.output += std::to_string(result);
    });
    world.container.start(ping_each_second(world), {.daemon = true});
    CHECK(world.run() == "1:3 0:5 (end of nap) 7");
}

TEST_CASE("the task goes on to wait for the same, and scopes nest", "[watch]") {
    World world;
    world.start([](World& w) -> Task<> {
        Callback outer = [&w](const Ref<Event>&, std::size_t) { w.output += "outer "; };
        co_await with_callback(
            [](World& w2) -> Task<> {
                Callback inner = [&w2](const Ref<Event>&, std::size_t) { w2.output += "inner "; };
                co_await with_callback(nap(w2), std::move(inner), match<Ping>(2).make());
                co_await match<Ping>(12);
            }(w),
            std::move(outer), match<Ping>(4).make(), match<Ping>(11).make());
        w.output += "done";
    });
    world.container.start(ping_each_second(world), {.daemon = true});
    CHECK(world.run() == "inner outer (end of nap) outer done");
}

TEST_CASE("an event that the task waits for and the callback too comes to the more specific",
          "[watch]") {
    World world;
    world.start([](World& w) -> Task<> {
        Callback callback = [&w](const Ref<Event>&, std::size_t) { w.output += "callback "; };
        co_await with_callback(
            [](World& w2) -> Task<> {
                const auto ping = co_await match<Ping>(1);
                w2.output += "task ";
            }(w),
            std::move(callback), match<Ping>().make());
    });
    world.start([](World& w) -> Task<> {
        w.ping(0);
        w.ping(1);
        co_return;
    });
    CHECK(world.run() == "callback task ");
}

TEST_CASE("a callback that throws unwinds the task, and its exception comes out", "[watch]") {
    World world;
    world.start([](World& w) -> Task<> {
        Callback callback = [](const Ref<Event>&, std::size_t) {
            throw std::runtime_error("enough ");
        };
        try {
            co_await with_callback(nap(w), std::move(callback), match<Ping>(3).make());
        } catch (const std::runtime_error& e) {
            w.output += e.what();
        }
        CHECK(w.time() == 4s);
        co_await sleep(10s);
        w.output += "goes on";
    });
    world.container.start(ping_each_second(world), {.daemon = true});
    CHECK(world.run() == "(end of nap) enough goes on");
}

TEST_CASE("a callback of an outer scope that throws unwinds the inner ones", "[watch]") {
    World world;
    world.start([](World& w) -> Task<> {
        try {
            co_await with_exception(
                [](World& w2) -> Task<> {
                    const Mark mark(w2.output, "(end of middle) ");
                    Callback inner = [&w2](const Ref<Event>&, std::size_t) {
                        w2.output += "inner ";
                    };
                    co_await with_callback(nap(w2), std::move(inner), match<Ping>(1).make());
                }(w),
                match<Ping>(2).make());
        } catch (const MatchedException&) {
            w.output += "matched";
        }
        co_await sleep(5s);  // the inner callback is called no more
    });
    world.start([](World& w) -> Task<> {
        for (const int number : {1, 2, 1}) {
            co_await sleep(1s);
            w.ping(number);
        }
    });
    CHECK(world.run() == "inner (end of nap) (end of middle) matched");
}

TEST_CASE("an event ends a task by an exception that tells which", "[watch]") {
    World world;
    world.start([](World& w) -> Task<> {
        const auto never = match<Ping>(99).make();
        const auto second = match<Ping>(2).make();
        try {
            co_await with_exception(nap(w), never, second);
        } catch (const MatchedException& e) {
            CHECK(e.which == 1);
            CHECK(e.event->as<Ping>().number == 2);
            w.output += e.what();
        }
    });
    world.container.start(ping_each_second(world), {.daemon = true});
    CHECK(world.run() == "(end of nap) an event ended the task");
}

TEST_CASE("an exception of the task comes out of its scope", "[watch]") {
    World world;
    world.start([](World& w) -> Task<> {
        try {
            co_await with_exception(
                [](World&) -> Task<> {
                    co_await do_events();
                    throw std::runtime_error("broken");
                }(w),
                match<Ping>().make());
        } catch (const std::runtime_error& e) {
            w.output += e.what();
        }
    });
    CHECK(world.run() == "broken");
}

TEST_CASE("a task that does not wait has nothing to be interrupted", "[watch]") {
    World world;
    world.start([](World& w) -> Task<> {
        const int result = co_await with_exception([](World&) -> Task<int> { co_return 3; }(w),
                                                   match<Ping>().make());
        w.output += std::to_string(result);
    });
    CHECK(world.run() == "3");
}

TEST_CASE("within a scope a wait for several events goes on as before", "[watch]") {
    World world;
    world.start([](World& w) -> Task<> {
        Callback callback = [&w](const Ref<Event>&, std::size_t) { w.output += "callback "; };
        co_await with_callback(
            [](World& w2) -> Task<> {
                std::vector<Matcher> all;
                for (const int number : {1, 3, 5}) {
                    all.push_back(match<Ping>(number).make());
                }
                const auto matched = co_await wait_for_all(std::move(all));
                for (const Matched& one : matched) {
                    w2.output += std::to_string(one.which);
                }
            }(w),
            std::move(callback), match<Ping>(2).make(), match<Ping>(4).make());
    });
    world.container.start(ping_each_second(world), {.daemon = true});
    CHECK(world.run() == "callback callback 012");
}
