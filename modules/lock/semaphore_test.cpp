#include "modules/lock/semaphore.h"

#include <catch2/catch.hpp>

#include "core/wait/execute_all.h"
#include "modules/lock/test_world.h"

using namespace weir;
using namespace weir::lock_test;

namespace {

using Said = std::vector<std::string>;

// How many hold the key now, and did at most.
struct Count {
    int now = 0;
    int most = 0;
};

Task<> count(World& world, std::string key, Count& counted, std::string context = "default") {
    Lock lock(world.scheduler, key, context);
    co_await lock.lock();
    counted.most = std::max(counted.most, ++counted.now);
    co_await sleep(1s);
    --counted.now;
}

}  // namespace

TEST_CASE("A semaphore lets so many hold a key, until it is destroyed") {
    World world;
    Count counted;
    Count afterwards;
    auto body = [&]() -> Task<> {
        Semaphore semaphore(world.scheduler, "key", 2);
        semaphore.create();
        std::vector<Task<>> tasks;
        for (int i = 0; i != 5; ++i) {
            tasks.push_back(count(world, "key", counted));
        }
        co_await execute_all(world.container, std::move(tasks));
        co_await semaphore.destroy();
        std::vector<Task<>> others;
        for (int i = 0; i != 3; ++i) {
            others.push_back(count(world, "key", afterwards));
        }
        co_await execute_all(world.container, std::move(others));
    };
    world.start(body());
    world.scheduler.run();
    CHECK(counted.most == 2);
    CHECK(afterwards.most == 1);
    CHECK(world.scheduler.now() == Time(6s));
}

TEST_CASE("A semaphore gives a free place to a lock that held one before") {
    World world;
    const std::size_t size = GENERATE(1u, 2u);
    int grants = 0;
    auto body = [&]() -> Task<> {
        Semaphore semaphore(world.scheduler, "key", size);
        semaphore.create();
        Lock lock(world.scheduler, "key");
        for (int i = 0; i != 5; ++i) {
            co_await lock.lock();
            ++grants;
            lock.unlock();
            co_await do_events();
        }
    };
    world.start(body());
    world.scheduler.run();
    CHECK(grants == 5);
}

TEST_CASE("What is held and waited for when a semaphore is created counts, and is served first") {
    World world;
    Said said;
    Semaphore semaphore(world.scheduler, "key", 2);
    for (const char* name : {"1", "2", "3"}) {
        world.start(hold(world, "key", 10s, name, said));
    }
    world.simulation.happen(1s, [&] {
        semaphore.create();
        world.start(hold(world, "key", 10s, "4", said));
        CHECK_THROWS_AS(semaphore.create(), std::logic_error);
    });
    world.scheduler.run();
    CHECK(said == Said{"1 in", "2 in", "1 out", "3 in", "2 out", "4 in", "3 out", "4 out"});
}

TEST_CASE("A semaphore is resized while it is in use") {
    World world;
    Said said;
    Semaphore semaphore(world.scheduler, "key", 1);
    semaphore.create();
    for (const char* name : {"1", "2", "3"}) {
        world.start(hold(world, "key", 10s, name, said));
    }
    SECTION("larger: who waits takes the places at once") {
        world.simulation.happen(1s, [&] { semaphore.resize(3); });
        world.simulation.happen(2s, [&] { CHECK(world.table().holding() == 3); });
        world.scheduler.run();
    }
    SECTION("smaller: nobody before enough have been given back") {
        world.simulation.happen(1s, [&] { semaphore.resize(2); });
        world.simulation.happen(2s, [&] { semaphore.resize(1); });
        world.simulation.happen(10500ms, [&] { CHECK(world.table().holding() == 1); });
        world.scheduler.run();
        CHECK(said == Said{"1 in", "2 in", "1 out", "2 out", "3 in", "3 out"});
    }
    CHECK(said.size() == 6);
    CHECK_THROWS_AS(semaphore.resize(0), std::invalid_argument);
}

TEST_CASE("When a semaphore is destroyed, what is held stays held") {
    World world;
    Said said;
    Semaphore semaphore(world.scheduler, "key", 2);
    semaphore.create();
    for (const char* name : {"1", "2", "3"}) {
        world.start(hold(world, "key", 10s, name, said));
    }
    auto body = [&]() -> Task<> {
        co_await sleep(1s);
        co_await semaphore.destroy();
    };
    world.start(body());
    world.scheduler.run();
    CHECK(said == Said{"1 in", "2 in", "1 out", "2 out", "3 in", "3 out"});
}

TEST_CASE("The settings make semaphores of keys that match a pattern") {
    LockSettings settings;
    settings.contexts["default"].semaphores.push_back({KeyPattern("pool/*"), 2});
    World world(settings);
    Count pool;
    Count other;
    for (int i = 0; i != 5; ++i) {
        world.start(count(world, "pool/a", pool));
        world.start(count(world, "other", other));
    }
    world.scheduler.run();
    CHECK(pool.most == 2);
    CHECK(other.most == 1);
}

TEST_CASE("Keys that nobody uses any more are forgotten") {
    LockSettings settings;
    settings.contexts["default"].semaphores.push_back({KeyPattern("pool/*"), 2});
    World world(settings);
    Count pool;
    auto body = [&]() -> Task<> {
        for (int i = 0; i != 3000; ++i) {
            Lock lock(world.scheduler, "pool/" + std::to_string(i));
            co_await lock.lock();
            lock.unlock();
            co_await do_events();
        }
    };
    world.start(body());
    world.scheduler.run();
    CHECK(world.table().keys() < 1100);
}
