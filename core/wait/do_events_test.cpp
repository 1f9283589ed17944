#include "core/wait/do_events.h"

#include <catch2/catch.hpp>

#include "core/run/event_handler.h"
#include "core/run/trace.h"
#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

TEST_CASE("routines that yield take turns", "[do_events]") {
    World world;
    for (const char name : {'a', 'b', 'c'}) {
        world.begin(
            +[](World& w, char letter) -> Task<> {
                for (int i = 0; i != 3; ++i) {
                    w.output += letter;
                    co_await do_events();
                }
            },
            {}, name);
    }
    CHECK(world.run() == "abcabcabc");
}

TEST_CASE("yielding lets every ready routine run and the scheduler poll", "[do_events]") {
    World world;
    world.simulation.happen(0s, [&world] { world.output += "polled "; });
    world.start([](World& w) -> Task<> {
        co_await match<Ping>();
        w.output += "pinged ";
    });
    world.start([](World& w) -> Task<> {
        w.ping();
        co_await do_events();
        w.output += "goes on";
    });
    CHECK(world.run() == "pinged polled goes on");
    CHECK(world.time() == 0s);
}

TEST_CASE("a routine that yields in a loop delays no other routine and no timer", "[do_events]") {
    World world;
    world.start(
        [](World&) -> Task<> {
            while (true) {
                co_await do_events();
            }
        },
        {.daemon = true});
    world.simulation.happen(0s, [] {});
    world.start([](World& w) -> Task<> {
        co_await sleep(0s);
        w.output += "slept ";
        w.ping();
        co_await match<Ping>();
        w.output += "pinged";
    });
    CHECK(world.run() == "slept pinged");
}

TEST_CASE("a yield describes itself", "[do_events]") {
    World world;
    world.other = world.start_now([](World&) -> Task<> { co_await do_events(); });
    CHECK(world.other->wait()->describe() == "the next round");
}

TEST_CASE("a routine that yields has no subscription, and may be closed by an earlier one",
          "[do_events]") {
    World world;
    world.start([](World& w) -> Task<> {
        co_await do_events();
        w.output += "closes ";
        CHECK(w.other->subscriptions().empty());
        w.other->close();
    });
    world.other = world.start([](World& w) -> Task<> {
        const Mark mark(w.output, "closed ");
        co_await do_events();
        w.output += "is never reached ";
    });
    world.start([](World& w) -> Task<> {
        co_await do_events();
        w.output += "goes on";
    });
    CHECK(world.run() == "closes closed goes on");
}

TEST_CASE("a callback that ends a task unwinds its yield", "[do_events]") {
    World world;
    world.start([](World& w) -> Task<> {
        const auto yield_for_ever = []() -> Task<> {
            while (true) {
                co_await do_events();
            }
        };
        w.ping(7);
        try {
            co_await with_exception(yield_for_ever(), match<Ping>(7).make());
        } catch (const MatchedException&) {
            w.output += "ended ";
        }
        co_await do_events();
        w.output += "goes on";
    });
    CHECK(world.run() == "ended goes on");
}

TEST_CASE("a go_on event that code keeps and sends again resumes no routine", "[do_events]") {
    World world;
    Ref<Event> kept;
    EventHandler handler(world.scheduler);
    handler.handle(match<SystemControlEvent>(SystemControlEvent::Type::go_on).make(),
                   [&kept](const Ref<Event>& event) { kept = event; });
    handler.set_daemon(true);
    world.container.start([](World& w, Ref<Event>& go_on) -> Task<> {
        co_await do_events();
        REQUIRE(go_on != nullptr);
        const std::uint64_t round = w.scheduler.rounds();
        w.scheduler.emergency_send(go_on);
        co_await do_events();
        CHECK(w.scheduler.rounds() == round + 1);
        w.output += "in the next round";
    }(world, kept));
    CHECK(world.run() == "in the next round");
}

TEST_CASE("a tracer sees which routines a round resumes", "[do_events]") {
    struct Resumed : Tracer {
        std::string names;
        void delivered(const Event& event, const Matcher& matcher, const Subscriber& to) override {
            CHECK(matcher.matches_path(event));
            names += dynamic_cast<const Routine&>(to).name();
        }
    } resumed;
    World world;
    world.scheduler.set_tracer(&resumed);
    for (const char* const name : {"a", "b"}) {
        world.start([](World&) -> Task<> { co_await do_events(); }, {.name = name});
    }
    world.run();
    CHECK(resumed.names == "ab");
    world.scheduler.set_tracer(nullptr);
}
