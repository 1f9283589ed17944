#include "modules/lock/lock.h"

#include <catch2/catch.hpp>

#include "modules/lock/test_world.h"

using namespace weir;
using namespace weir::lock_test;

namespace {

using Said = std::vector<std::string>;

Task<> increment(World& world, IndexValue key, int& counter, std::string context = "default") {
    Lock lock(world.scheduler, std::move(key), context);
    co_await lock.lock();
    const int before = counter;
    co_await do_events();
    counter = before + 1;
    lock.unlock();
}

Task<> increment_with_guard(World& world, int& counter) {
    Lock lock(world.scheduler, "key");
    const LockGuard guard = co_await lock.acquire();
    const int before = counter;
    co_await do_events();
    counter = before + 1;
}

Task<int> add_one(int& counter) {
    const int before = counter;
    co_await do_events();
    counter = before + 1;
    co_return counter;
}

Task<> increment_in_scope(World& world, int& counter) {
    Lock lock(world.scheduler, "key");
    Task<int> task = add_one(counter);
    const int result = co_await with_lock(lock, std::move(task));
    CHECK(result == counter);
    CHECK_FALSE(lock.locked());
}

}  // namespace

TEST_CASE("a lock without a context is in the default one", "[lock]") {
    World world;
    CHECK(Lock(world.scheduler, "key").context() == "default");
    CHECK(ReadLock(world.scheduler, "key", "own").context() == "own");
}

TEST_CASE("routines that lock the same key do not lose each other's updates") {
    World world;
    int counter = 0;
    SECTION("with lock and unlock") {
        for (int i = 0; i != 5; ++i) {
            world.start(increment(world, "key", counter));
        }
    }
    SECTION("with a guard") {
        for (int i = 0; i != 5; ++i) {
            world.start(increment_with_guard(world, counter));
        }
    }
    SECTION("with a task that runs while the lock is held") {
        for (int i = 0; i != 5; ++i) {
            world.start(increment_in_scope(world, counter));
        }
    }
    world.scheduler.run();
    CHECK(counter == 5);
    CHECK(world.table().holding() == 0);
}

TEST_CASE("routines that lock different keys run at the same time and lose updates") {
    World world;
    int counter = 0;
    world.start(increment(world, "key", counter));
    world.start(increment(world, "other", counter));
    world.scheduler.run();
    CHECK(counter == 1);
}

TEST_CASE("keys are texts, integers, tuples and objects") {
    World world;
    int counter = 0;
    int object = 0;
    const std::vector<IndexValue> keys{IndexValue("a text that is longer than what fits inside"),
                                       IndexValue(7), IndexValue(std::pair("disk", 3)),
                                       IndexValue(&object)};
    for (const IndexValue& key : keys) {
        world.start(increment(world, key, counter));
        world.start(increment(world, key, counter));
    }
    world.scheduler.run();
    CHECK(counter == 2);  // for each key one after the other, all keys side by side
}

TEST_CASE("contexts have keys of their own, unless the settings let them share keys") {
    int counter = 0;
    LockSettings settings;
    settings.separate_contexts = false;
    SECTION("shared, as in VLCP") {
        World world(settings);
        world.start(increment(world, "key", counter, "a"));
        world.start(increment(world, "key", counter, "b"));
        world.scheduler.run();
        CHECK(counter == 2);
    }
    SECTION("shared, but for one that is named") {
        settings.contexts["a"] = {};
        World world(settings);
        world.start(increment(world, "key", counter, "a"));
        world.start(increment(world, "key", counter, "b"));
        world.scheduler.run();
        CHECK(counter == 1);
    }
    SECTION("separate") {
        World world;
        world.start(increment(world, "key", counter, "a"));
        world.start(increment(world, "key", counter, "b"));
        world.scheduler.run();
        CHECK(counter == 1);
    }
}

namespace {

Task<> try_it(World& world, std::vector<bool>& taken) {
    Lock lock(world.scheduler, "key");
    taken.push_back(lock.try_lock());
    co_await do_events();
}

Task<> begin_it(World& world, int& counter, bool by_try) {
    Lock lock(world.scheduler, "key");
    if (!lock.begin_lock(world.container)) {
        co_await sleep(200ms);
        if (by_try) {
            REQUIRE(lock.try_lock());
        } else {
            co_await lock.lock();
        }
    }
    const int before = counter;
    co_await do_events();
    counter = before + 1;
    lock.unlock();
    co_await do_events();
    co_await lock.lock();
    const int again = counter;
    co_await do_events();
    counter = again + 1;
}

Task<> begin_and_leave(World& world) {
    Lock lock(world.scheduler, "key");
    CHECK_FALSE(lock.begin_lock(world.container));
    CHECK_FALSE(lock.begin_lock(world.container));
    CHECK_FALSE(lock.try_lock());
    co_await sleep(1s);
}

}  // namespace

TEST_CASE("try_lock takes only a lock that is free") {
    World world;
    std::vector<bool> taken;
    world.start(try_it(world, taken));
    world.start(try_it(world, taken));
    world.scheduler.run();
    CHECK(taken == std::vector<bool>{true, false});
}

TEST_CASE("a lock that is begun is taken in another routine") {
    World world;
    int counter = 0;
    const bool by_try = GENERATE(true, false);
    world.start(begin_it(world, counter, by_try));
    world.start(begin_it(world, counter, by_try));
    world.scheduler.run();
    CHECK(counter == 4);
    CHECK(world.table().holding() == 0);
}

TEST_CASE("what is begun ends with the Lock") {
    World world;
    Said said;
    world.start(hold(world, "key", 5s, "first", said));
    world.start(begin_and_leave(world));
    world.start(hold(world, "key", 1s, "second", said));
    world.scheduler.run();
    CHECK(said == Said{"first in", "first out", "second in", "second out"});
}

TEST_CASE("first come, first served") {
    World world;
    Said said;
    for (const char* name : {"1", "2", "3", "4"}) {
        world.start(hold(world, "key", 1s, name, said));
    }
    world.scheduler.run();
    CHECK(said == Said{"1 in", "1 out", "2 in", "2 out", "3 in", "3 out", "4 in", "4 out"});
}

namespace {

Task<> wait_for(World& world, std::optional<Duration> timeout, std::string name, Said& said) {
    Lock lock(world.scheduler, "key");
    const bool held = co_await lock.lock(timeout);
    said.push_back(name + (held ? " in" : " gave up"));
}

}  // namespace

TEST_CASE("a wait whose timeout expires leaves the line, and the next one is served") {
    World world;
    Said said;
    world.start(hold(world, "key", 5s, "1", said));
    world.start(wait_for(world, 1s, "2", said));
    world.start(wait_for(world, 0s, "3", said));
    world.start(wait_for(world, 10s, "4", said));
    world.scheduler.run();
    CHECK(said == Said{"1 in", "3 gave up", "2 gave up", "1 out", "4 in"});
    CHECK(world.table().statistics().timed_out == 1);
    CHECK(world.table().waiting() == 0);
}

TEST_CASE("a holder or waiter that is closed leaves nothing behind") {
    World world;
    Said said;
    const Ref<Routine> holder = world.start(hold(world, "key", 50s, "1", said));
    const Ref<Routine> waiter = world.start(hold(world, "key", 50s, "2", said));
    world.start(hold(world, "key", 1s, "3", said));
    SECTION("the waiter") {
        world.simulation.happen(1s, [&] { waiter->close(); });
        world.scheduler.run();
        CHECK(said == Said{"1 in", "1 out", "3 in", "3 out"});
    }
    SECTION("the holder") {
        world.simulation.happen(1s, [&] { holder->close(); });
        world.scheduler.run();
        CHECK(said == Said{"1 in", "2 in", "2 out", "3 in", "3 out"});
    }
    SECTION("the waiter, when the lock has just been given back") {
        world.simulation.happen(1s, [&] {
            holder->close();
            waiter->close();
        });
        world.scheduler.run();
        CHECK(said == Said{"1 in", "3 in", "3 out"});
    }
    SECTION("both, the other way round") {
        world.simulation.happen(1s, [&] {
            waiter->close();
            holder->close();
        });
        world.scheduler.run();
        CHECK(said == Said{"1 in", "3 in", "3 out"});
    }
    CHECK(world.table().waiting() == 0);
    CHECK(world.table().holding() == 0);
}

TEST_CASE("a guard outlives its Lock, and does not give back a later grant") {
    World world;
    auto body = [&]() -> Task<> {
        LockGuard first;
        LockGuard second;
        {
            Lock lock(world.scheduler, "key");
            first = co_await lock.acquire();
            CHECK(first.token() == 1);
            lock.unlock();
            CHECK_FALSE(first);
            second = co_await lock.acquire();
            CHECK(second.token() == 2);
            first.unlock();
            CHECK(second);
            CHECK(lock.locked());
        }
        CHECK_FALSE(second);
        CHECK(second.token() == 2);
        CHECK(world.table().holding() == 0);
    };
    world.start(body());
    world.scheduler.run();
    CHECK(world.logged.empty());
}

namespace {

Task<> wait_for_foreign(Lock& lock, std::optional<Duration> timeout, Said& said) {
    try {
        said.push_back(co_await lock.lock(timeout) ? "held" : "gave up");
    } catch (const LockError& error) {
        said.push_back(error.what());
    }
}

}  // namespace

TEST_CASE("a wait fails when its Lock is destroyed, in the turn of its routine") {
    World world;
    Said said;
    auto lock = std::make_unique<Lock>(world.scheduler, "key");
    const bool begun = GENERATE(false, true);
    world.start(hold(world, "key", 5s, "1", said));
    if (begun) {
        world.simulation.happen(1s, [&] { lock->begin_lock(world.container); });
    }
    world.simulation.happen(2s, [&] {
        for (const auto timeout : {std::optional<Duration>(), std::optional<Duration>(1s)}) {
            world.start(wait_for_foreign(*lock, timeout, said));
        }
    });
    world.simulation.happen(3s, [&] {
        lock.reset();
        CHECK(said == Said{"1 in"});
        CHECK(world.table().waiting() == 0);
    });
    world.scheduler.run();
    const std::string gone =
        "lock 'key' in context 'default': the Lock was destroyed during the wait";
    CHECK(said == Said{"1 in", gone, gone, "1 out"});
}

TEST_CASE("the event of an earlier Lock does not wake a wait for a later one at its address") {
    World world;
    Said said;
    world.start(hold(world, "b", 5s, "1", said));
    auto body = [&]() -> Task<> {
        std::optional<Lock> lock;
        lock.emplace(world.scheduler, "a");
        CHECK(lock->begin_lock(world.container));  // its event is on the way
        lock.emplace(world.scheduler, "b");
        CHECK_FALSE(lock->begin_lock(world.container));
        co_await lock->lock();
        CHECK(lock->locked());
        said.push_back("held");
    };
    world.start(body());
    world.scheduler.run();
    CHECK(said == Said{"1 in", "1 out", "held"});
}

TEST_CASE("the container's end gives back what its routines hold") {
    World world;
    Said said;
    auto others = std::make_unique<Container>(world.scheduler);
    others->start(hold(world, "key", 50s, "1", said));
    world.start(hold(world, "key", 1s, "2", said));
    world.simulation.happen(1s, [&] { others.reset(); });
    world.scheduler.run();
    CHECK(said == Said{"1 in", "2 in", "2 out"});
}

TEST_CASE("without the lock queue, making a Lock fails at once") {
    Simulation simulation;
    Scheduler scheduler(simulation);
    CHECK_THROWS_WITH(Lock(scheduler, "key"),
                      "there is no lock queue; load the module 'lock' before making locks");
}

namespace {

Task<> fails_with(World& world, std::string key, std::string& what) {
    Lock lock(world.scheduler, key);
    try {
        co_await lock.lock();
    } catch (const LockError& error) {
        what = error.what();
    }
}

}  // namespace

TEST_CASE("too many waiters are refused with the limit") {
    LockSettings settings;
    Said said;
    std::string what;
    SECTION("for a key") {
        settings.max_waiters_per_key = 1;
        World world(settings);
        world.start(hold(world, "key", 5s, "1", said));
        world.start(hold(world, "key", 5s, "2", said));
        world.start(fails_with(world, "key", what));
        world.scheduler.run();
        CHECK(what ==
              "lock 'key' in context 'default': too many wait: at most 1 for a key "
              "(max_waiters_per_key)");
        CHECK(world.table().statistics().refused == 1);
    }
    SECTION("in all") {
        settings.max_waiters = 1;
        World world(settings);
        for (const char* key : {"a", "b", "a"}) {
            world.start(hold(world, key, 5s, key, said));
        }
        world.start(fails_with(world, "b", what));
        world.scheduler.run();
        CHECK(what ==
              "lock 'b' in context 'default': too many wait: at most 1 in all "
              "(max_waiters)");
    }
    CHECK(said.size() >= 4);
}

TEST_CASE("listings show owners and their times, statistics count grants and measure their times") {
    World world;
    Said said;
    world.start(hold(world, "jobs/1", 5s, "1", said), "one");
    world.start(hold(world, "jobs/1", 5s, "2", said), "two");
    world.start(hold(world, "other", 5s, "3", said), "three");
    std::vector<LockListing> listings;
    world.simulation.happen(2s, [&] { listings = world.table().list(KeyPattern("jobs/*")); });
    world.scheduler.run();
    REQUIRE(listings.size() == 1);
    CHECK(listings[0].key == "jobs/1");
    REQUIRE(listings[0].holders.size() == 1);
    REQUIRE(listings[0].waiters.size() == 1);
    CHECK(listings[0].holders[0].since == 2s);
    CHECK(listings[0].holders[0].token == 1);
    CHECK_THAT(listings[0].waiters[0].owner, Catch::StartsWith("'two' started at "));
    const LockStatistics statistics = world.table().statistics();
    CHECK(statistics.acquired == 3);
    CHECK(statistics.contended == 1);
    CHECK(statistics.wait_time.longest() == 5s);
    CHECK(statistics.hold_time.count() == 3);
    CHECK(statistics.hold_time.sum() == 15s);
}

namespace {

Task<> remove_queue_now(World& world, bool force, std::string& what) {
    co_await sleep(1s);
    try {
        co_await remove_lock_queue(world.scheduler, force);
    } catch (const LocksInUse& error) {
        what = error.what();
    }
}

}  // namespace

TEST_CASE("the queue is not removed while locks are in use, unless that is forced") {
    World world;
    Said said;
    std::string refused;
    std::string ended;
    world.start(hold(world, "key", 5s, "1", said), "one");
    world.start(fails_with(world, "key", ended), "two");
    SECTION("refused") {
        world.start(remove_queue_now(world, false, refused));
        world.scheduler.run();
        CHECK_THAT(refused, Catch::StartsWith("locks are in use:\nlock 'key': held by 'one'"));
        CHECK_THAT(refused, Catch::Contains("waited for by 'two'"));
        CHECK(ended.empty());
        CHECK(LockTable::find(world.scheduler) != nullptr);
    }
    SECTION("forced") {
        std::string later;
        const Ref<LockTable> table(&world.table());
        Lock lock(world.scheduler, "key");
        world.start(remove_queue_now(world, true, refused));
        world.scheduler.run();
        CHECK(refused.empty());
        CHECK(ended == "the lock queue has been removed: the module 'lock' was unloaded");
        CHECK(LockTable::find(world.scheduler) == nullptr);
        CHECK_THROWS_AS(Lock(world.scheduler, "key"), NoLockQueue);
        CHECK_THROWS_AS(lock.try_lock(), NoLockQueue);
        CHECK(table->holding() == 0);
        CHECK(said == Said{"1 in", "1 out"});
    }
}

namespace {

Task<> in_session(LockSession& session, Said& said, std::string name) {
    try {
        const auto token = co_await session.acquire("key");
        said.push_back(name + (token ? " in" : " gave up"));
    } catch (const LockSessionClosed&) {
        said.push_back(name + " closed");
    }
}

}  // namespace

TEST_CASE("a session's end gives back what it holds and ends its waits") {
    World world;
    Said said;
    auto first = std::make_unique<LockSession>(world.scheduler, "first");
    LockSession second(world.scheduler, "second");
    LockSession third(world.scheduler, "third");
    world.start(in_session(*first, said, "first"));
    world.start(in_session(second, said, "second"));
    world.start(in_session(third, said, "third"));
    world.simulation.happen(1s, [&] { second.close(); });
    world.simulation.happen(2s, [&] {
        CHECK_FALSE(third.try_acquire("key"));
        first.reset();
    });
    world.scheduler.run();
    CHECK(said == Said{"first in", "second closed", "third in"});
    CHECK(third.held() == 1);
    CHECK(third.try_acquire("key"));
    CHECK(third.release("key"));
    CHECK_FALSE(third.release("key"));
    CHECK_THROWS_AS(second.try_acquire("key"), LockSessionClosed);
}
