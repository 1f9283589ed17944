// Locks that are taken away from their holders, without a backend.

#include <catch2/catch.hpp>

#include "modules/lock/errors.h"
#include "modules/lock/events.h"
#include "modules/lock/test_world.h"

using namespace weir;
using namespace weir::lock_test;

namespace {

LockSettings ten_seconds_for_jobs() {
    LockSettings settings;
    settings.contexts["default"].longest_holds.push_back({KeyPattern("job-*"), 10s});
    return settings;
}

// Ends holds when they are over, as the module does.
Task<> end_holds(World& world) {
    for (;;) {
        co_await sleep(1s);
        world.table().end_holds();
    }
}

Task<> wait_for(Duration time) {
    co_await sleep(time);
}

Task<> forever_with(World& world, std::string key, std::string& ended) {
    Lock lock(world.scheduler, key);
    try {
        co_await with_lock(lock, wait_for(1h));
    } catch (const LockLost& error) {
        ended = error.what();
    }
}

class Listener : public LockLossListener {
public:
    void lock_lost(const LostLock& lost) noexcept override { told.push_back(lost.reason); }

    std::vector<std::string> told;
};

}  // namespace

TEST_CASE("a lock that is not limited is held until it is given back") {
    World world;
    const auto test = [](World& w) -> Task<> {
        Lock lock(w.scheduler, "a");
        CHECK(lock.valid_for() == 0s);
        LockGuard guard = co_await lock.acquire();
        CHECK(guard.valid_for() == Duration::max());
        co_await sleep(1h);
        w.simulation.suspend(1h);
        CHECK(guard);
        CHECK_FALSE(w.table().next_end_of_hold());
        guard.unlock();
        CHECK(guard.valid_for() == 0s);
        CHECK_FALSE(lock.locked());
    };
    world.start(test(world));
    world.scheduler.run();
}

TEST_CASE("a lock is lost when its longest hold is over, and the next waiter gets it") {
    World world(ten_seconds_for_jobs());
    std::vector<std::string> said;
    const auto test = [](World& w, std::vector<std::string>& s) -> Task<> {
        StartOptions daemon;
        daemon.daemon = true;
        w.container.start(end_holds(w), daemon);
        Lock lock(w.scheduler, "job-1");
        const LockGuard guard = co_await lock.acquire();
        CHECK(guard.valid_for() == 10s);
        const Ref<Routine> next = w.start(hold(w, "job-1", 1s, "next", s));
        const auto lost = co_await match<LockLostEvent>("default", "job-1");
        CHECK(lost->token == lock.token());
        CHECK(lost->reason == "it was held for as long as is allowed (longest_holds)");
        CHECK(guard.valid_for() == 0s);
        CHECK_FALSE(guard);
        co_await sleep(2s);
        CHECK(s == std::vector<std::string>{"next in", "next out"});
        CHECK(w.table().statistics().lost == 1);
        CHECK(w.table().statistics().acquired == 2);
    };
    world.start(test(world, said));
    world.scheduler.run();
    CHECK(world.table().holding() == 0);
    REQUIRE(world.logged.size() == 1);
    CHECK(world.logged[0].find("lock 'job-1' in context 'default' is lost: it was held for as long "
                               "as is allowed") != std::string::npos);
}

TEST_CASE("a hold that is over is seen without any event, and the Lock can be taken again") {
    World world(ten_seconds_for_jobs());
    const auto test = [](World& w) -> Task<> {
        Lock lock(w.scheduler, "job-1");
        const LockGuard guard = co_await lock.acquire();
        const std::uint64_t first = lock.token();
        w.simulation.suspend(11s);
        CHECK_FALSE(guard);
        CHECK_FALSE(lock.locked());
        CHECK(w.table().holding() == 1);  // nothing has run since
        const bool again = co_await lock.lock();
        CHECK(again);
        CHECK(lock.token() > first);
        CHECK(lock.valid_for() == 10s);
        CHECK_FALSE(guard);
    };
    world.start(test(world));
    world.scheduler.run();
}

TEST_CASE("breaking a lock unwinds the task that it guards, and tells the session that holds it") {
    World world;
    std::string ended;
    Listener listener;
    const auto test = [](World& w, std::string& said, Listener& told) -> Task<> {
        w.start(forever_with(w, "a", said));
        co_await sleep(1s);
        LockSession session(w.scheduler, "client 1");
        session.set_listener(&told);
        const auto token = co_await session.acquire("b");
        const Matcher lost = session.lost_matcher();
        CHECK(w.table().break_locks("default", "a", {}, "ann has broken it") == 1);
        CHECK(w.table().break_locks("default", "a", {}, "again") == 0);
        CHECK(w.table().break_locks("other", "b", {}, "elsewhere") == 0);
        CHECK(w.table().break_locks("default", "b", *token + 1, "another grant") == 0);
        CHECK(w.table().break_locks("default", "b", *token, "ann has broken it") == 1);
        CHECK(session.held() == 0);
        co_await lost;
        REQUIRE(session.lost().size() == 1);
        CHECK(session.lost()[0].key == IndexValue("b"));
        CHECK(session.lost()[0].token == *token);
        // Said once.
        CHECK_THROWS_WITH(session.release("b"),
                          "lock 'b' in context 'default' was lost: ann has broken it");
        CHECK_FALSE(session.release("b"));
        // Nothing is lost any more once it is taken again.
        co_await session.acquire("c");
        w.table().break_locks("default", "c", {}, "x");
        CHECK(session.lost().size() == 1);
        co_await session.acquire("c");
        CHECK(session.lost().empty());
        CHECK(session.release("c"));
    };
    world.start(test(world, ended, listener));
    world.scheduler.run();
    CHECK(ended == "lock 'a' in context 'default': ann has broken it");
    CHECK(listener.told == std::vector<std::string>{"ann has broken it", "x"});
}

TEST_CASE("a session that loses lock after lock remembers the latest, and keeps no other state") {
    World world;
    const auto test = [](World& w) -> Task<> {
        LockSession session(w.scheduler, "client 1");
        for (int i = 0; i != 1100; ++i) {
            co_await session.acquire(i);
            w.table().break_locks("default", i, {}, "x");
        }
        CHECK(session.lost().size() == 1000);
        CHECK(session.lost().front().key == IndexValue(100));
        co_await sleep(1s);
        CHECK(w.table().holding() == 0);
    };
    world.start(test(world));
    world.scheduler.run();
}

TEST_CASE("a slot of a semaphore that is lost goes to the next waiter") {
    World world;
    std::vector<std::string> said;
    const auto test = [](World& w, std::vector<std::string>& s) -> Task<> {
        Semaphore semaphore(w.scheduler, "s", 2);
        semaphore.create();
        Lock first(w.scheduler, "s");
        Lock second(w.scheduler, "s");
        co_await first.lock();
        co_await second.lock();
        const Ref<Routine> next = w.start(hold(w, "s", 1s, "next", s));
        co_await sleep(1s);
        CHECK(s.empty());
        CHECK(w.table().break_locks("default", "s", first.token(), "x") == 1);
        CHECK_FALSE(first.locked());
        CHECK(second.locked());
        co_await sleep(500ms);
        CHECK(s == std::vector<std::string>{"next in"});
        CHECK(w.table().break_locks("default", "s", {}, "x") == 2);
        CHECK_FALSE(second.locked());
        co_await sleep(1s);
        co_await semaphore.destroy();
    };
    world.start(test(world, said));
    world.scheduler.run();
    CHECK(world.table().holding() == 0);
}
