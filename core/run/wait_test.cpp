#include "core/run/wait.h"

#include <stdexcept>

#include <catch2/catch.hpp>

#include "core/wait/do_events.h"
#include "core/wait/timeout.h"
#include "core/wait/wait_for_all.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

// A kind of wait that is not weir's own: takes events until it has seen three.
class ThreePings final : public Wait {
public:
    int await_resume() {
        check_interrupted();
        return sum_;
    }
    std::span<const Matcher> matchers() const noexcept override { return {&pings_, 1}; }
    Then matched(const Ref<Event>& event, Subscription&) override {
        if (event->as<Ping>().number == 0) {
            throw std::runtime_error("no zero");
        }
        sum_ += event->as<Ping>().number;
        return ++count_ == 3 ? Then::resume : Then::wait_on;
    }

private:
    Matcher pings_ = match<Ping>().make();
    int count_ = 0;
    int sum_ = 0;
};

}  // namespace

TEST_CASE("awaiting a matcher gives the event, with its type", "[wait]") {
    World world;
    world.start([](World& w) -> Task<> {
        const Ref<Ping> typed = co_await match<Ping>();
        const Matcher plain = match<Ping>(2).make();
        const Ref<Event> untyped = co_await plain;
        w.output += typed->describe() + ' ' + untyped->describe();
    });
    world.start([](World& w) -> Task<> {
        w.ping(1);
        w.ping(2);
        co_return;
    });
    CHECK(world.run() == "weir.test.Ping(number=1) weir.test.Ping(number=2)");
}

TEST_CASE("a matcher that is being made may have a name, and be awaited again and again",
          "[wait]") {
    World world;
    world.start([](World& w) -> Task<> {
        const auto second = match<Ping>(2);
        for (int i = 0; i != 2; ++i) {
            const Ref<Ping> ping = co_await second;
            w.output += std::to_string(ping->number.get());
        }
        const MatcherOf<Ping> kept = second;
        const Matched either = co_await any_of(match<Ping>(3), second);
        w.output += either.which == 1 && kept == second.make() ? " same" : " other";
    });
    world.start([](World& w) -> Task<> {
        for (const int number : {1, 2, 2, 2}) {
            w.ping(number);
            co_await do_events();
        }
    });
    CHECK(world.run() == "22 same");
}

TEST_CASE("awaiting any of some matchers gives the event and which matched", "[wait]") {
    World world;
    world.start([](World& w) -> Task<> {
        const auto first = match<Ping>(1).make();
        const auto second = match<Ping>(2).make();
        for (int i = 0; i != 2; ++i) {
            const Matched matched = co_await any_of(first, second);
            w.output += std::to_string(matched.which) + matched.event->describe() + ' ';
        }
    });
    world.start([](World& w) -> Task<> {
        w.ping(2);
        w.ping(1);
        co_return;
    });
    CHECK(world.run() == "1weir.test.Ping(number=2) 0weir.test.Ping(number=1) ");
}

TEST_CASE("which matcher matched is told right after a wait for several has left one of them",
          "[wait]") {
    World world;
    world.start([](World& w) -> Task<> {
        const auto first = match<Ping>(1).make();
        const auto second = match<Ping>(2).make();
        std::vector<Matcher> both;
        both.push_back(first);
        both.push_back(second);
        co_await wait_for_all(std::move(both));
        const Matched matched = co_await any_of(second);
        CHECK(matched.which == 0);
        w.output += "done";
    });
    world.start([](World& w) -> Task<> {
        w.ping(1);
        w.ping(2);
        w.ping(2);
        co_return;
    });
    CHECK(world.run() == "done");
}

TEST_CASE("an event that several matchers of a wait match comes once", "[wait]") {
    World world;
    world.start([](World& w) -> Task<> {
        const auto all = match<Ping>().make();
        const auto one = match<Ping>(1).make();
        const Matched matched = co_await any_of(all, one);
        w.output += std::to_string(matched.which);  // the most specific
    });
    world.start([](World& w) -> Task<> {
        w.ping(1);
        co_return;
    });
    CHECK(world.run() == "1");
}

TEST_CASE("waiting again for the same matcher keeps the place in line, a new matcher is last",
          "[wait]") {
    World world;
    world.start([](World& w) -> Task<> {
        for (int i = 0; i != 3; ++i) {
            co_await match<Ping>(1);
            w.output += "anew ";
        }
    });
    world.start([](World& w) -> Task<> {
        for (int i = 0; i != 3; ++i) {
            co_await match<Ping>(1).where([](const Ping&) { return true; });
            w.output += "asking ";
        }
    });
    world.start([](World& w) -> Task<> {
        const auto first = match<Ping>(1).make();
        for (int i = 0; i != 3; ++i) {
            co_await first;
            w.output += "same ";
        }
    });
    world.start([](World& w) -> Task<> {
        for (int i = 0; i != 3; ++i) {
            w.ping(1);
            co_await do_events();
            w.output += "| ";
        }
    });
    CHECK(world.run() == "anew asking same | same anew asking | same anew asking | ");
}

TEST_CASE("a routine that waits for other events than before gets those, and no more of the others",
          "[wait]") {
    World world;
    world.start([](World& w) -> Task<> {
        for (int i = 0; i != 4; ++i) {
            const Ref<Ping> ping = co_await match<Ping>(i % 2);
            w.output += std::to_string(ping->number);
        }
    });
    world.start([](World& w) -> Task<> {
        for (int i = 0; i != 8; ++i) {
            w.ping(i / 2 % 2);
            co_await do_events();
            w.output += ' ';
        }
    });
    CHECK(world.run() == "0  1  0  1  ");
}

TEST_CASE("an empty matcher matches nothing", "[wait]") {
    World world;
    world.start([](World& w) -> Task<> {
        const Matcher nothing;
        const auto none = co_await wait_with_timeout(1s, nothing);
        CHECK_FALSE(none);
        const auto pings = match<Ping>().make();
        const Matched matched = co_await any_of(nothing, pings);
        w.output += std::to_string(matched.which);
    });
    world.start([](World& w) -> Task<> {
        co_await sleep(2s);
        w.ping();
    });
    CHECK(world.run() == "1");
}

TEST_CASE("a predicate that throws is logged and does not match", "[wait]") {
    World world;
    world.start([](World& w) -> Task<> {
        const auto judged =
            match<Ping>()
                .where([](const Ping& ping) -> bool {
                    return ping.number == 1 ? throw std::runtime_error("cannot tell") : true;
                })
                .make();
        const auto event = co_await judged;
        w.output += std::to_string(event->number);
    });
    world.start([](World& w) -> Task<> {
        w.ping(1);
        w.ping(2);
        co_return;
    });
    CHECK(world.run() == "2");
    REQUIRE(world.log.size() == 1);
    CHECK(world.log[0] ==
          "the predicate of weir.test.Ping() where ... for weir.test.Ping(number=1) with an "
          "exception: cannot tell");
    world.log.clear();
}

TEST_CASE("an extension of the event system writes a wait of its own", "[wait]") {
    World world;
    world.start([](World& w) -> Task<> {
        ThreePings three;
        w.output += std::to_string(co_await three) + ' ';
        ThreePings again;
        try {
            co_await again;
        } catch (const std::runtime_error& e) {
            w.output += e.what();  // what it throws is thrown where it is awaited
        }
    });
    world.start([](World& w) -> Task<> {
        for (const int number : {1, 2, 3, 4, 0}) {
            w.ping(number);
        }
        co_return;
    });
    CHECK(world.run() == "6 no zero");
}

TEST_CASE("each kind of wait describes what it waits for", "[wait]") {
    const auto first = match<Ping>(1).make();
    const auto second = match<Job>().make();
    CHECK(WaitFor<Ping>(first).describe() == "weir.test.Ping(1)");
    CHECK(any_of(first, second).describe() == "weir.test.Ping(1) or weir.test.Job()");
    CHECK(wait_for_all({first, second}).describe() == "weir.test.Ping(1) and weir.test.Job()");
    CHECK(wait_with_timeout(std::nullopt, first).describe() == "weir.test.Ping(1)");
}
