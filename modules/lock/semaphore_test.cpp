#include "modules/lock/semaphore.h"

#include <catch2/catch.hpp>

#include "core/wait/execute_all.h"
#include "modules/lock/errors.h"
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

TEST_CASE("a semaphore lets as many owners hold a key as its size says, until it is destroyed") {
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

TEST_CASE("ensure makes a semaphore, or gives the one that is there its size") {
    World world;
    Count counted;
    Count afterwards;
    auto body = [&]() -> Task<> {
        Semaphore first(world.scheduler, "key", 1);
        first.ensure();
        Semaphore second(world.scheduler, "key", 3);
        second.ensure();
        CHECK_THROWS_AS(second.create(), std::logic_error);
        std::vector<Task<>> tasks;
        for (int i = 0; i != 6; ++i) {
            tasks.push_back(count(world, "key", counted));
        }
        co_await execute_all(world.container, std::move(tasks));
        co_await second.destroy();
        std::vector<Task<>> others;
        for (int i = 0; i != 2; ++i) {
            others.push_back(count(world, "key", afterwards));
        }
        co_await execute_all(world.container, std::move(others));
    };
    world.start(body());
    world.scheduler.run();
    CHECK(counted.most == 3);
    CHECK(afterwards.most == 1);
}

TEST_CASE("a semaphore gives a free slot to a Lock that held one before") {
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

namespace {

Task<> hold_shared(Lock& lock, std::string name, Said& said) {
    co_await sleep(1s);
    co_await lock.lock();
    said.push_back(name + " in");
    co_await sleep(10s);
    lock.unlock();
}

}  // namespace

TEST_CASE("a second wait for the same Lock is served when the first has given it back") {
    World world;
    Said said;
    Semaphore semaphore(world.scheduler, "key", 2);
    semaphore.create();
    Lock shared(world.scheduler, "key");
    for (const char* name : {"1", "2"}) {
        world.start(hold(world, "key", 5s, name, said));
    }
    for (const char* name : {"3", "4"}) {
        world.start(hold_shared(shared, name, said));
    }
    world.scheduler.run();
    CHECK(said == Said{"1 in", "2 in", "1 out", "3 in", "2 out", "4 in"});
    CHECK(world.table().waiting() == 0);
}

TEST_CASE("what is held and waited for when a semaphore is created counts, and is served first") {
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

TEST_CASE("a guard holds on when its key gets a semaphore, and gives the lock back") {
    World world;
    Semaphore semaphore(world.scheduler, "key", 2);
    const bool blocks = GENERATE(false, true);
    auto body = [&]() -> Task<> {
        Lock lock(world.scheduler, "key");
        LockGuard guard = co_await lock.acquire();
        if (blocks) {
            co_await do_events();
        }
        semaphore.create();
        CHECK(guard);
        CHECK(lock.locked());
        CHECK(guard.token() == lock.token());
        co_await do_events();
        guard.unlock();
        CHECK_FALSE(lock.locked());
        CHECK(world.table().holding() == 0);
    };
    world.start(body());
    world.scheduler.run();
    CHECK(world.scheduler.queue().size() == 0);
}

TEST_CASE("a semaphore is resized while it is in use") {
    World world;
    Said said;
    Semaphore semaphore(world.scheduler, "key", 1);
    semaphore.create();
    for (const char* name : {"1", "2", "3"}) {
        world.start(hold(world, "key", 10s, name, said));
    }
    SECTION("larger: waiters take the new slots at once") {
        world.simulation.happen(1s, [&] { semaphore.resize(3); });
        world.simulation.happen(2s, [&] { CHECK(world.table().holding() == 3); });
        world.scheduler.run();
    }
    SECTION("smaller: no waiter is served before enough slots have been given back") {
        world.simulation.happen(1s, [&] { semaphore.resize(2); });
        world.simulation.happen(2s, [&] { semaphore.resize(1); });
        world.simulation.happen(10500ms, [&] { CHECK(world.table().holding() == 1); });
        world.scheduler.run();
        CHECK(said == Said{"1 in", "2 in", "1 out", "2 out", "3 in", "3 out"});
    }
    CHECK(said.size() == 6);
    CHECK_THROWS_AS(semaphore.resize(0), std::invalid_argument);
}

TEST_CASE("when a semaphore is destroyed, what is held stays held") {
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

TEST_CASE("the settings make semaphores of keys that match a pattern") {
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

TEST_CASE("keys that are not used any more are destroyed") {
    LockSettings settings;
    settings.contexts["default"].semaphores.push_back({KeyPattern("pool/*"), 2});
    World world(settings);
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

namespace {

using Token = std::optional<std::uint64_t>;

Task<> take(LockSession& session, std::string key, LockMode mode, Said& said) {
    try {
        const Token token = co_await session.acquire(key, "default", 1s, mode);
        said.push_back(session.name() + (token ? " holds" : " is late"));
    } catch (const LockError& error) {
        said.emplace_back(error.what());
    }
}

}  // namespace

TEST_CASE("an exclusive lock is refused on a key with a semaphore, whatever its size") {
    World world;
    const std::size_t size = GENERATE(1u, 2u);
    world.table().create_semaphore_of_client("default", "key", size, "client 7");
    LockSession a(world.scheduler, "a");
    LockSession b(world.scheduler, "b");
    const std::string refusal =
        "lock 'key' in context 'default': the key has a semaphore of size " + std::to_string(size) +
        ", made by client 7: it can be locked as shared only";
    CHECK_THROWS_WITH(a.try_acquire("key", "default", LockMode::exclusive), refusal);
    CHECK(a.try_acquire("key", "default", LockMode::shared));
    Said said;
    world.start(take(b, "key", LockMode::exclusive, said));
    world.start(take(b, "key", LockMode::shared, said));
    world.scheduler.run();
    CHECK(said == Said{refusal, size == 1 ? "b is late" : "b holds"});
}

TEST_CASE("a shared lock is refused on a key without a semaphore") {
    LockSettings settings;
    settings.contexts["default"].semaphores.push_back({KeyPattern("pool/*"), 2});
    World world(settings);
    LockSession session(world.scheduler, "a");
    CHECK_THROWS_AS(session.try_acquire("key", "default", LockMode::shared), NoSemaphore);
    CHECK(session.try_acquire("pool/a", "default", LockMode::shared));
    CHECK_THROWS_AS(session.try_acquire("pool/b", "default", LockMode::exclusive), NotExclusive);
}

TEST_CASE("holding a key as shared does not let a session take it as exclusive") {
    World world;
    world.table().create_semaphore_of_client("default", "key", 2, "client 7");
    LockSession a(world.scheduler, "a");
    LockSession b(world.scheduler, "b");
    CHECK(a.try_acquire("key", "default", LockMode::shared));
    CHECK(b.try_acquire("key", "default", LockMode::shared));
    auto destroy = [&]() -> Task<> {
        co_await destroy_semaphore(world.scheduler, "key", "default");
    };
    world.start(destroy());
    world.scheduler.run();
    CHECK_THROWS_AS(a.try_acquire("key", "default", LockMode::exclusive), NotExclusive);
    CHECK(a.release("key"));
    CHECK_FALSE(a.try_acquire("key", "default", LockMode::exclusive));
    CHECK(b.release("key"));
    auto take_later = [&]() -> Task<> {
        co_await sleep(1s);  // their events leave the queue
        CHECK(a.try_acquire("key", "default", LockMode::exclusive));
    };
    world.start(take_later());
    world.scheduler.run();
}

TEST_CASE("a semaphore of size 0, and a second one on the key, are errors and change nothing") {
    World world;
    Count counted;
    auto body = [&]() -> Task<> {
        Semaphore empty(world.scheduler, "key", 0);
        CHECK_THROWS_WITH(empty.create(), "semaphore 'key' in context 'default': its size is 0");
        CHECK(world.table().semaphores() == 0);
        Semaphore first(world.scheduler, "key", 2);
        first.create();
        Semaphore second(world.scheduler, "key", 3);
        CHECK_THROWS_WITH(second.create(),
                          "semaphore 'key' in context 'default' exists already, with size 2, made "
                          "by a module");
        CHECK_THROWS_AS(first.resize(0), std::invalid_argument);
        co_await second.destroy();  // it has created nothing
        std::vector<Task<>> tasks;
        for (int i = 0; i != 5; ++i) {
            tasks.push_back(count(world, "key", counted));
        }
        co_await execute_all(world.container, std::move(tasks));
        CHECK(world.table().semaphores() == 1);
        co_await first.destroy();
    };
    world.start(body());
    world.scheduler.run();
    CHECK(counted.most == 2);
    CHECK(world.table().semaphores() == 0);
}

TEST_CASE("a client cannot create a semaphore on a key that is held or waited for") {
    World world;
    LockSession session(world.scheduler, "a");
    REQUIRE(session.try_acquire("key", "default", LockMode::exclusive));
    CHECK_THROWS_WITH(world.table().create_semaphore_of_client("default", "key", 2, "client 7"),
                      Catch::Contains("cannot be made while the key is in use") &&
                          Catch::Contains("held by session 'a'"));
    session.release("key");
    CHECK_NOTHROW(world.table().create_semaphore_of_client("default", "key", 2, "client 7"));
    CHECK_THROWS_WITH(world.table().create_semaphore_of_client("default", "key", 3, "client 8"),
                      "semaphore 'key' in context 'default' exists already, with size 2, made by "
                      "client 7");
}

TEST_CASE("semaphores of clients are limited, those of modules are not") {
    LockSettings settings;
    settings.max_semaphores = 2;
    World world(settings);
    Semaphore of_module(world.scheduler, "module", 2);
    of_module.create();
    world.table().create_semaphore_of_client("default", "a", 2, "client 7");
    world.table().create_semaphore_of_client("default", "b", 2, "client 7");
    CHECK_THROWS_AS(world.table().create_semaphore_of_client("default", "c", 2, "client 7"),
                    LockLimitReached);
    CHECK(world.table().semaphores() == 3);
}

TEST_CASE("a client makes its share of the semaphores, and leaves the rest to other clients") {
    LockSettings settings;
    settings.max_semaphores = 4;
    settings.max_semaphores_of_one = 2;
    World world(settings);
    LockTable& table = world.table();
    const std::string address = "the address '10.0.0.1'";
    table.create_semaphore_of_client("default", "a", 2, "client 7", address);
    table.create_semaphore_of_client("default", "b", 2, "client 8", address);
    CHECK_THROWS_WITH(table.create_semaphore_of_client("default", "c", 2, "client 9", address),
                      "semaphore 'c' in context 'default': the address '10.0.0.1' has made 2 "
                      "already, as many as are allowed (max_semaphores_of_one)");
    table.create_semaphore_of_client("default", "c", 2, "client 10", "user 'ann'");
    world.start(destroy_semaphore(world.scheduler, "a", "default"));
    world.scheduler.run();
    CHECK_NOTHROW(table.create_semaphore_of_client("default", "d", 2, "client 7", address));
}

TEST_CASE("an unused semaphore is listed, with its maker") {
    World world;
    world.table().create_semaphore_of_client("default", "key", 3, "client 7");
    const std::vector<LockListing> listed = world.table().list();
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].key == "key");
    CHECK(listed[0].size == 3);
    REQUIRE(listed[0].semaphore);
    CHECK(listed[0].semaphore->made_by == "client 7");
    CHECK(world.table().list_used().empty());
    CHECK(world.table().list_semaphores().size() == 1);
}

TEST_CASE("a key or context that a client chooses is neither empty nor too long") {
    LockSettings settings;
    settings.max_key = 10;
    World world(settings);
    LockSession session(world.scheduler, "a");
    CHECK_THROWS_WITH(session.try_acquire(""), "the key is empty");
    CHECK_THROWS_WITH(session.try_acquire("key", ""), "the context is empty");
    CHECK_THROWS_WITH(session.try_acquire("12345678901"),
                      "the key has 11 bytes, more than 10 (max_key)");
    CHECK_THROWS_AS(session.try_acquire("key", "12345678901"), LockLimitReached);
    CHECK_THROWS_AS(world.table().create_semaphore_of_client("default", "", 2, "client 7"),
                    std::invalid_argument);
    CHECK_THROWS_WITH(Lock(world.scheduler, ""), "the key of a lock is empty");
    CHECK(session.try_acquire("1234567890"));
    CHECK(session.held() == 1);
}
