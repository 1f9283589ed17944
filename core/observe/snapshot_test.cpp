#include "core/observe/snapshot.h"

#include <algorithm>
#include <array>

#include <catch2/catch.hpp>

#include "core/queue/fair_queue.h"
#include "core/run/event_handler.h"
#include "core/run/routine.h"
#include "core/wait/do_events.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

Task<> send_two(World&) {
    for (int i = 1; i != 3; ++i) {
        co_await send(make_event<Job>(i));
    }
}

}  // namespace

TEST_CASE("the snapshot of an idle scheduler has queues and nothing else", "[snapshot]") {
    World world;
    const Snapshot now = snapshot(world.scheduler);
    CHECK(now.routines.empty());
    CHECK(now.handlers.empty());
    CHECK(now.timers.empty());
    CHECK(now.blocked_events.empty());
    CHECK(now.queue.size == 0);
    CHECK(now.queue.subqueues.size() == world.scheduler.queue().subqueues().size());
    CHECK(now.queue.subqueues.front().name == "routine");
    CHECK_FALSE(now.quitting);
}

TEST_CASE("a snapshot lists each routine, what it waits for and since when", "[snapshot]") {
    World world;
    world.start(
        [](World&) -> Task<> {
            co_await sleep(1s);
            co_await match<Ping>(7);
        },
        {.name = "waiter", .daemon = true});
    const auto line = std::source_location::current().line() + 1;
    world.container.start([](World& w) -> Task<> {
        co_await sleep(3s);
        w.start([](World&) -> Task<> { co_return; }, {.name = "new"});
        const Snapshot now = snapshot(w.scheduler);
        CHECK(now.time.time_since_epoch() == 3s);
        REQUIRE(now.routines.size() == 3);

        CHECK(now.routines[0].name == "waiter");
        CHECK(now.routines[0].daemon);
        CHECK(now.routines[0].state == RoutineInfo::State::waiting);
        CHECK(now.routines[0].waits_for == "weir.test.Ping(7)");
        CHECK(now.routines[0].since.time_since_epoch() == 1s);
        CHECK(now.routines[0].container == &w.container);

        CHECK(now.routines[1].name.empty());
        CHECK_FALSE(now.routines[1].daemon);
        CHECK(now.routines[1].state == RoutineInfo::State::running);
        CHECK(now.routines[1].waits_for.empty());
        w.count = static_cast<int>(now.routines[1].started_at.line());

        CHECK(now.routines[2].name == "new");
        CHECK(now.routines[2].state == RoutineInfo::State::about_to_start);
    }(world));
    world.run();
    CHECK(world.count >= static_cast<int>(line));
}

TEST_CASE("a snapshot counts the timers that a routine waits for", "[snapshot]") {
    World world;
    world.start([](World&) -> Task<> { co_await wait_with_timeout(5s, match<Ping>().make()); },
                {.name = "one"});
    world.start([](World&) -> Task<> { co_await match<Ping>(); }, {.name = "none"});
    world.start([](World& w) -> Task<> {
        co_await sleep(1s);
        const Snapshot now = snapshot(w.scheduler);
        REQUIRE(now.routines.size() == 3);
        CHECK(now.routines[0].timers == 1);
        CHECK(now.routines[1].timers == 0);
        CHECK(now.timers.size() == 1);
        w.ping();
    });
    world.run();
}

namespace {

Task<> with_a_large_frame(int depth) {
    std::array<char, 900> large{};
    if (depth > 1) {
        co_await with_a_large_frame(depth - 1);
    } else {
        co_await match<Ping>();
    }
    CHECK(std::count(large.begin(), large.end(), 0) == 900);
}

}  // namespace

TEST_CASE("a snapshot shows how much memory a routine and its coroutines use", "[snapshot]") {
    World world;
    for (const int depth : {1, 3}) {
        world.container.start(with_a_large_frame(depth));
    }
    world.start([](World& w) -> Task<> {
        co_await sleep(1s);
        const Snapshot now = snapshot(w.scheduler);
        REQUIRE(now.routines.size() == 3);
        const std::size_t one = now.routines[0].memory;
        CHECK(one > sizeof(Routine) + 900);
        CHECK(one < sizeof(Routine) + 2000);
        CHECK(now.routines[1].memory > one + 2 * 900);
        CHECK(now.routines[2].memory > sizeof(Routine));
        w.ping();
    });
    world.run();
}

TEST_CASE("a routine that runs for the first time is listed", "[snapshot]") {
    World world;
    world.start([](World& w) -> Task<> {
        const Snapshot now = snapshot(w.scheduler);
        CHECK(now.routines.size() == 1);
        CHECK(now.routines.at(0).state == RoutineInfo::State::running);
        co_return;
    });
    world.run();
}

TEST_CASE("a snapshot lists event handlers and timers", "[snapshot]") {
    World world;
    EventHandler handler(world.scheduler, false);
    handler.handle(match<Ping>(1).make(), {});
    handler.handle(match<Job>().make(), {});
    const Timer late = world.scheduler.set_timer(5s);
    const Timer first = world.scheduler.set_timer(2s, 100ms);
    const Snapshot now = snapshot(world.scheduler);
    REQUIRE(now.handlers.size() == 1);
    CHECK_FALSE(now.handlers[0].daemon);
    CHECK(now.handlers[0].handles ==
          std::vector<std::string>{"weir.test.Ping(1)", "weir.test.Job()"});
    REQUIRE(now.timers.size() == 2);
    CHECK(now.timers[0].due.time_since_epoch() == 2s);
    CHECK(now.timers[0].interval == 100ms);
    CHECK(now.timers[1].due.time_since_epoch() == 5s);
    CHECK(now.timers[1].interval == 0s);
    handler.stop_all();
}

TEST_CASE("a snapshot shows every queue, what blocks it and which senders wait for capacity",
          "[snapshot]") {
    World world;
    Queue& root = world.scheduler.queue();
    const Ref<Queue> jobs = root.add("jobs", 500, match<Job>().make(), {.max_total = 1});
    jobs->add("", 3, match<Job>(9).make(),
              {.max_default = 8, .kind = FairQueue::factory(), .default_priority = 2});
    world.container.start(send_two(world), {.name = "sender"});
    world.start([](World& w) -> Task<> {
        co_await sleep(1s);
        const Snapshot now = snapshot(w.scheduler);
        REQUIRE(now.blocked_events.size() == 1);
        CHECK(now.blocked_events[0].event == "weir.test.Job(number=1)");
        CHECK(now.blocked_events[0].queue == "root/jobs");

        CHECK(now.queue.matcher == "anything");
        CHECK(now.queue.kind == "auto");
        CHECK(now.queue.default_priority == 400);
        CHECK(now.queue.max_total == unlimited);
        CHECK(now.queue.popped > 0);
        CHECK(now.queue.senders.empty());

        const QueueInfo& info = now.queue.subqueues.back();
        CHECK(info.name == "jobs");
        CHECK(info.matcher == "weir.test.Job()");
        CHECK(info.priority == 500);
        CHECK(info.kind == "fifo");
        CHECK(info.size == 1);
        CHECK(info.default_size == 1);
        CHECK(info.max_total == 1);
        CHECK(info.max_default == unlimited);
        CHECK(info.blocked == 1);
        CHECK(info.popped == 1);
        REQUIRE(info.senders.size() == 1);
        CHECK(info.senders[0].starts_with("'sender' started at "));

        REQUIRE(info.subqueues.size() == 1);
        const QueueInfo& below = info.subqueues[0];
        CHECK(below.name.empty());
        CHECK(below.matcher == "weir.test.Job(9)");
        CHECK(below.kind == "auto");
        CHECK(below.priority == 3);
        CHECK(below.default_priority == 2);
        CHECK(below.max_default == 8);
        CHECK(queue_path(*w.scheduler.queue().find("jobs")->subqueues()[0]) ==
              "root/jobs/weir.test.Job(9)");

        CHECK(now.routines.at(0).waits_for == "room in a queue for weir.test.Job(number=2)");
        w.output += "seen";
        const auto all = match<Job>().make();
        for (int i = 0; i != 2; ++i) {
            const auto job = co_await all;
            job->set_ignorable();
        }
    });
    CHECK(world.run() == "seen");
}

TEST_CASE("a snapshot describes as many in words as asked for, and counts the rest", "[snapshot]") {
    World world;
    Queue& root = world.scheduler.queue();
    root.add("jobs", 500, match<Job>().make(), {.max_total = 1});
    for (int i = 0; i != 3; ++i) {
        world.container.start(send_two(world), {.name = "sender"});
    }
    world.start([](World& w) -> Task<> {
        co_await sleep(1s);
        const Snapshot now = snapshot(w.scheduler, 2);
        REQUIRE(now.routines.size() == 4);
        CHECK(now.routines[1].waits_for == "room in a queue for weir.test.Job(number=1)");
        CHECK(now.routines[2].waits_for.empty());
        CHECK(now.routines[2].state == RoutineInfo::State::waiting);
        CHECK(now.routines[2].name == "sender");
        CHECK(now.queue.subqueues.back().waiting_senders == 3);
        CHECK(now.queue.subqueues.back().senders.size() == 2);
        CHECK(snapshot(w.scheduler, 0).blocked_events.empty());
        CHECK(snapshot(w.scheduler, 0).blocked == 1);
        w.output += "seen";
        const auto all = match<Job>().make();
        for (int i = 0; i != 6; ++i) {
            const auto job = co_await all;
            job->set_ignorable();
        }
    });
    CHECK(world.run() == "seen");
}
