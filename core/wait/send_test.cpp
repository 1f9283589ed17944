#include "core/wait/send.h"

#include <stdexcept>

#include <catch2/catch.hpp>

#include "core/queue/fair_queue.h"
#include "core/wait/do_events.h"
#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

// A scheduler as in the original's tests: without standard queues, and with a small queue of jobs.
struct SmallWorld : World {
    SmallWorld() {
        queue = scheduler.queue().add("jobs", 1, match<Job>().make(),
                                      {.max_default = 5, .max_total = 5});
    }
    Ref<Queue> queue;
};

Task<> send_jobs(World& world, int count) {
    for (int i = 0; i != count; ++i) {
        co_await send(make_event<Job>(i));
        world.output += 'A';
    }
}

Task<> do_jobs(World& world) {
    const auto jobs = match<Job>().make();
    while (true) {
        const auto job = co_await jobs;
        job->set_ignorable();
        world.output += 'B';
    }
}

// Sends one job, then notes its name.
Task<> send_one(World& world, char name) {
    co_await send(make_event<Job>(name));
    world.output += name;
}

}  // namespace

TEST_CASE("sending returns when the queue has accepted the event", "[send]") {
    SmallWorld world;
    world.start([](World& w) -> Task<> {
        const bool sent = co_await send(make_event<Ping>(1));
        CHECK(sent);
        w.output += "sent ";
        co_await match<Ping>();
        w.output += "received";
    });
    CHECK(world.run() == "sent received");
}

TEST_CASE("a sender fills the queue, then sends each time the queue has capacity", "[send]") {
    SmallWorld world;
    world.start([](World& w) -> Task<> {
        w.container.start(do_jobs(w), {.daemon = true});
        co_await send_jobs(w, 10);
    });
    CHECK(world.run() == "AAAAABABABABABABBBBB");
}

TEST_CASE("a sender may wait for an answer to each event", "[send]") {
    SmallWorld world;
    world.start([](World& w) -> Task<> {
        w.start(
            [](World& w2) -> Task<> {
                const auto jobs = match<Job>(1).make();
                while (true) {
                    const auto job = co_await jobs;
                    job->set_ignorable();
                    w2.output += 'B';
                    Ref<Event> answer = make_event<Job>(2);
                    answer->set_ignorable();
                    co_await send(std::move(answer));
                }
            },
            {.daemon = true, .foreground = true});
        const auto answers = match<Job>(2).make();
        for (int i = 0; i != 10; ++i) {
            co_await send(make_event<Job>(1));
            w.output += 'A';
            co_await answers;
        }
    });
    CHECK(world.run() == "ABABABABABABABABABAB");
}

TEST_CASE("a full queue whose events no routine takes stops its senders and no other routine",
          "[send]") {
    SmallWorld world;
    world.start([](World& w) -> Task<> {
        w.start(
            [](World& w2) -> Task<> {
                co_await do_events();
                co_await do_jobs(w2);
            },
            {.daemon = true});
        co_await send_jobs(w, 10);
    });
    world.start([](World& w) -> Task<> {
        co_await do_events();
        w.output += 'C';
    });
    CHECK(world.run() == "AAAAACBABABABABABBBBB");
}

TEST_CASE("senders are woken in the order in which they began to wait", "[send]") {
    SmallWorld world;
    world.start([](World& w) -> Task<> {
        co_await send_jobs(w, 5);
        for (const char name : {'x', 'y', 'z'}) {
            w.container.start(send_one(w, name));
        }
        co_await do_events();
        w.output += '.';
        w.container.start(do_jobs(w), {.daemon = true});
        co_await sleep(1s);
    });
    CHECK(world.run() == "AAAAA.BxByBzBBBBB");
}

TEST_CASE("a sender that is closed while it waits leaves its turn to the next sender", "[send]") {
    SmallWorld world;
    world.start([](World& w) -> Task<> {
        co_await send_jobs(w, 5);
        w.other = w.container.start(send_one(w, 'x'));
        w.container.start(send_one(w, 'y'));
        co_await do_events();
        w.other->close();
        w.container.start(do_jobs(w), {.daemon = true});
        co_await sleep(1s);
    });
    CHECK(world.run() == "AAAAAByBBBBB");
}

TEST_CASE("a sender that gives up when it is woken leaves the capacity to the next sender",
          "[send]") {
    SmallWorld world;
    world.start([](World& w) -> Task<> {
        co_await send_jobs(w, 5);
        w.start([](World& w2) -> Task<> {
            Ref<Event> event = make_event<Job>(9);
            const bool sent = co_await send(std::move(event), [&w2] { return w2.count == 1; });
            w2.output += sent ? "sent" : "gave up ";
        });
        w.container.start(send_one(w, 'y'));
        co_await do_events();
        w.count = 1;
        w.container.start(do_jobs(w), {.daemon = true});
        co_await sleep(1s);
    });
    CHECK(world.run() == "AAAAABgave up yBBBBB");
}

TEST_CASE("send returns false when until() returns true, whether or not the queue has capacity",
          "[send][until]") {
    SmallWorld world;
    world.start([](World& w) -> Task<> {
        Ref<Event> event = make_event<Job>(1);
        const bool first = co_await send(event, [] { return true; });
        CHECK_FALSE(first);
        CHECK(w.scheduler.queue().find("jobs")->size() == 0);
        const bool second = co_await send(event, [] { return false; });
        CHECK(second);
        w.scheduler.ignore(match<Job>().make());
        const auto job = co_await match<Job>();
        job->set_ignorable();
    });
    world.run();
}

TEST_CASE("send throws what until() throws", "[send][until]") {
    SmallWorld world;
    world.start([](World& w) -> Task<> {
        co_await send_jobs(w, 5);
        const auto fail_later = [&w]() -> bool {
            return w.count == 1 ? throw std::runtime_error("later ") : false;
        };
        for (const bool at_once : {true, false}) {
            w.count = at_once ? 1 : 0;
            Ref<Event> event = make_event<Job>(9);
            w.start(
                [](World& w2) -> Task<> {
                    co_await do_events();
                    w2.count = 1;
                    co_await do_jobs(w2);
                },
                {.daemon = true});
            try {
                co_await send(std::move(event), fail_later);
                w.output += "sent";
            } catch (const std::runtime_error& e) {
                w.output += e.what();
            }
        }
        co_await sleep(1s);
    });
    const std::string output = world.run();
    CHECK(output.starts_with("AAAAAlater "));
    CHECK(output.find("sent") == std::string::npos);
}

TEST_CASE("an event that is queued already cannot be sent", "[send]") {
    SmallWorld world;
    world.start([](World& w) -> Task<> {
        Ref<Event> event = make_event<Ping>(1);
        co_await send(event);
        try {
            co_await send(event);
        } catch (const std::logic_error& e) {
            w.output += e.what();
        }
    });
    CHECK(world.run() == "the event is in a queue already: weir.test.Ping(number=1)");
}

TEST_CASE("a sender describes what it waits for", "[send]") {
    const Ref<Event> event = make_event<Job>(7);
    CHECK(RefusedSend(event, {}).describe() == "room in a queue for weir.test.Job(number=7)");
}

TEST_CASE("where classes share a queue fairly, a rejected sender is woken for its own class",
          "[send]") {
    World world;
    world.scheduler.queue().add(
        "fair", 1, match<Job>().make(),
        {.max_default = 4,
         .kind = FairQueue::factory({.key = EventKey::named("number"), .subqueue_limit = 1})});
    world.start([](World& w) -> Task<> {
        for (const char name : {'a', 'a', 'b', 'b'}) {
            w.container.start(send_one(w, name));
        }
        co_await do_events();
        w.output += '.';
        const auto job = co_await match<Job>('b');
        job->set_ignorable();
        co_await do_events();
        w.output += '.';
        w.container.start(do_jobs(w), {.daemon = true});
        co_await sleep(1s);
    });
    CHECK(world.run() == "ab.b.BaBB");
}
