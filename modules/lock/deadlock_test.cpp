#include "modules/lock/deadlock.h"

#include <catch2/catch.hpp>

#include "modules/lock/test_world.h"

using namespace weir;
using namespace weir::lock_test;

namespace {

Task<> two(World& world, std::string first, std::string second, int& ended, std::string& failed) {
    Lock a(world.scheduler, first);
    co_await a.lock();
    co_await sleep(1s);
    Lock b(world.scheduler, second);
    try {
        co_await b.lock();  // line 18
        ++ended;
    } catch (const DeadlockError& error) {
        failed = error.what();
    }
}

Task<> listen(std::vector<Deadlock>& events) {
    for (;;) {
        const MatcherOf<DeadlockEvent> deadlock = match<DeadlockEvent>().make();
        const Ref<DeadlockEvent> event = co_await deadlock;
        events.push_back(event->deadlock);
    }
}

}  // namespace

TEST_CASE("a deadlock is reported when it arises") {
    World world;
    int ended = 0;
    std::string failed;
    std::vector<Deadlock> events;
    StartOptions daemon;
    daemon.daemon = true;
    world.container.start(listen(events), daemon);
    world.start(two(world, "a", "b", ended, failed), "one");
    world.start(two(world, "b", "c", ended, failed), "two");
    world.start(two(world, "c", "a", ended, failed), "three");
    world.simulation.happen(2s, [&] {
        CHECK(events.size() == 1);
        const std::vector<Deadlock> now = world.table().deadlocks();
        REQUIRE(now.size() == 1);
        CHECK(now[0].members.size() == 3);
        CHECK(now[0].members[0].waiting == 1s);
    });
    world.scheduler.run();
    REQUIRE(events.size() == 1);
    CHECK(events[0].members.size() == 3);
    for (const DeadlockMember& member : events[0].members) {
        CHECK_THAT(member.waits_at, Catch::EndsWith("deadlock_test.cpp:18"));
    }
    REQUIRE(world.logged.size() == 1);
    CHECK_THAT(world.logged[0], Catch::StartsWith("deadlock: "));
    CHECK_THAT(world.logged[0], Catch::Contains("'one' started at ") &&
                                    Catch::Contains("deadlock_test.cpp:18 since 0 ms") &&
                                    Catch::Contains(" since 0 ms for lock 'b' in context "
                                                    "'default', held by 'two' started at "));
    CHECK(ended == 0);
}

TEST_CASE("the youngest wait of a deadlock fails if the settings say so") {
    LockSettings settings;
    settings.on_deadlock = OnDeadlock::fail_youngest;
    World world(settings);
    int ended = 0;
    std::string failed;
    world.start(two(world, "a", "b", ended, failed), "one");
    world.start(two(world, "b", "a", ended, failed), "two");
    world.scheduler.run();
    CHECK(ended == 1);
    CHECK_THAT(failed, Catch::StartsWith("deadlock: "));
    CHECK(world.table().waiting() == 0);
    CHECK(world.table().holding() == 0);
}

TEST_CASE("an owner that waits for itself is deadlocked") {
    LockSettings settings;
    settings.on_deadlock = OnDeadlock::fail_youngest;
    World world(settings);
    int ended = 0;
    std::string failed;
    world.start(two(world, "a", "a", ended, failed), "one");
    world.scheduler.run();
    CHECK(ended == 0);
    CHECK_FALSE(failed.empty());
}

TEST_CASE("an owner that waits behind a deadlock is not a part of it, and a chain is no deadlock") {
    World world;
    int ended = 0;
    std::string failed;
    SECTION("a chain") {
        world.start(two(world, "a", "b", ended, failed));
        world.start(two(world, "b", "c", ended, failed));
        world.scheduler.run();
        CHECK(ended == 2);
        CHECK(world.logged.empty());
    }
    SECTION("behind") {
        world.start(two(world, "a", "b", ended, failed), "one");
        world.start(two(world, "b", "a", ended, failed), "two");
        world.start(two(world, "x", "a", ended, failed), "behind");
        world.scheduler.run();
        REQUIRE(world.logged.size() == 1);
        CHECK_THAT(world.logged[0], !Catch::Contains("'behind'"));
    }
}

TEST_CASE("waiting for a semaphore is a deadlock only if no holder can proceed") {
    World world;
    int ended = 0;
    std::string failed;
    Semaphore semaphore(world.scheduler, "s", 2);
    semaphore.create();
    std::vector<std::string> said;
    world.start(two(world, "s", "a", ended, failed), "one");
    SECTION("one can") {
        world.start(hold(world, "s", 5s, "holder", said), "holder");
        world.start(two(world, "a", "s", ended, failed), "two");
        world.scheduler.run();
        CHECK(ended == 2);
        CHECK(world.logged.empty());
    }
    SECTION("none can") {
        world.start(two(world, "s", "a", ended, failed), "other");
        world.start(two(world, "a", "s", ended, failed), "two");
        world.scheduler.run();
        CHECK(ended == 0);
        CHECK_FALSE(world.logged.empty());
    }
}
