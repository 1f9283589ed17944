#include "modules/lock/allowance.h"

#include <catch2/catch.hpp>

#include "modules/lock/errors.h"
#include "modules/lock/test_world.h"

using namespace weir;
using namespace weir::lock_test;

namespace {

// A lock on "k1" in context "default" takes so much.
constexpr std::size_t of_lock = LockAllowances::bytes_of_lock(2 + 7);

LockSettings limits(std::size_t of_one, std::size_t in_all) {
    LockSettings settings;
    settings.max_held_of_one = of_one * of_lock;
    settings.max_held = in_all * of_lock;
    return settings;
}

Task<> wait_for(LockSession& session, std::string key, std::string& failed) {
    try {
        co_await session.acquire(std::move(key));
    } catch (const LockError& error) {
        failed = error.what();
    }
}

}  // namespace

TEST_CASE("the locks that a client holds take its share of memory at most, in all its sessions") {
    World world(limits(3, 100));
    LockSession one(world.scheduler, "1", "the address '10.0.0.1'");
    LockSession two(world.scheduler, "2", "the address '10.0.0.1'");
    LockSession other(world.scheduler, "3", "user 'ann'");
    LockSession of_module(world.scheduler, "4");
    CHECK(one.try_acquire("k1"));
    CHECK(one.try_acquire("k2"));
    CHECK(two.try_acquire("k3"));
    CHECK_THROWS_WITH(two.try_acquire("k4"),
                      "the address '10.0.0.1' holds locks, or waits for them, which take as much "
                      "memory as is allowed, " +
                          std::to_string(3 * of_lock) + " bytes (max_held_of_one)");
    CHECK(one.try_acquire("k2"));  // it holds that
    CHECK(other.try_acquire("k4"));
    for (const char* key : {"m1", "m2", "m3", "m4"}) {
        CHECK(of_module.try_acquire(key));  // without limit
    }
    SECTION("what is given back is free for others of its sessions") {
        one.release("k1");
        CHECK(two.try_acquire("k5"));
        one.close();
    }
    SECTION("with the session, all of it is free") {
        two.close();
        one.close();
    }
    SECTION("a client that logs in takes its next locks as the user, and keeps what it has") {
        two.set_client("user 'ann'");
        CHECK(two.try_acquire("k5"));
        CHECK(two.try_acquire("k6"));
        CHECK_THROWS_AS(two.try_acquire("k7"), LockLimitReached);
        CHECK_THROWS_AS(one.try_acquire("k7"), LockLimitReached);
        two.release("k3");
        CHECK(one.try_acquire("k7"));
    }
    one.close();
    two.close();
    other.close();
    CHECK(world.table().allowances().used() == 0);
}

TEST_CASE("the locks of all clients take no more memory than the settings say, now and later") {
    World world(limits(100, 2));
    LockSession one(world.scheduler, "1", "user 'ann'");
    LockSession two(world.scheduler, "2", "user 'bob'");
    CHECK(one.try_acquire("k1"));
    CHECK(two.try_acquire("k2"));
    CHECK_THROWS_WITH(two.try_acquire("k3"),
                      "clients hold locks, or wait for them, which take as much memory as is "
                      "allowed, " +
                          std::to_string(2 * of_lock) + " bytes (max_held)");
    world.table().change_settings(limits(100, 3));
    CHECK(two.try_acquire("k3"));
    world.table().change_settings(limits(100, 1));
    CHECK(two.held() == 2);
    CHECK_THROWS_AS(one.try_acquire("k4"), LockLimitReached);
}

namespace {

Task<> hold_and_wait(World& world) {
    LockSession holder(world.scheduler, "1", "user 'ann'");
    LockSession waiter(world.scheduler, "2", "user 'bob'");
    CHECK(holder.try_acquire("k1"));
    std::string failed;
    world.start(wait_for(waiter, "k1", failed));
    co_await do_events();
    CHECK(world.table().waiting() == 1);
    CHECK_THROWS_AS(waiter.try_acquire("k2"), LockLimitReached);
    CHECK_FALSE(waiter.try_acquire("k1"));  // the same lock
    waiter.close();
    co_await do_events();
    CHECK_THAT(failed, Catch::EndsWith("session '2' was closed"));
    CHECK(world.table().allowances().used() == of_lock);
}

}  // namespace

TEST_CASE("a wait takes memory as a lock does, until it ends") {
    World world(limits(1, 100));
    world.start(hold_and_wait(world));
    world.scheduler.run();
    CHECK(world.logged.empty());
}
