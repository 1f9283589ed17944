#include "modules/zookeeper/zookeeper_backend.h"

#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include <catch2/catch.hpp>

#include "core/wait/do_events.h"
#include "modules/lock/errors.h"
#include "modules/lock/events.h"
#include "modules/lock/semaphore.h"
#include "modules/lock/session.h"
#include "modules/zookeeper/session_file.h"
#include "modules/zookeeper/test_backend.h"
#include "tests/support/temporary_folder.h"

using namespace weir;
using namespace weir::zookeeper;

namespace {

const std::string path = "/weir/locks/default/a";

// Waits until so many contenders have nodes for the key.
Task<> until_nodes_of(BackendWorld& world, std::string key, std::size_t count) {
    while (world.nodes_of(key) != count) {
        co_await sleep(1ms);
    }
}

Task<> take(BackendWorld& world, std::string name, std::string& order, Duration time) {
    Lock lock(world.scheduler, "a");
    co_await lock.lock();
    order += name;
    co_await sleep(time);
}

// Notes which error ends the wait.
Task<> fail(BackendWorld& world, std::optional<Duration> timeout, std::string& error) {
    Lock lock(world.scheduler, "a");
    try {
        error = co_await lock.lock(timeout) ? "taken" : "not free";
    } catch (const LockError& failure) {
        error = failure.what();
    }
}

}  // namespace

TEST_CASE("the nodes of locks have names that servers allow, one for each context and key") {
    const auto of = [](const char* context, const IndexValue& key) {
        return lock_path("/r", context, key);
    };
    CHECK(of("default", "a") == "/r/default/a");
    CHECK(of("default", "a/b %") == "/r/default/a%2Fb%20%25");
    CHECK(of("default", "..") == "/r/default/%2E%2E");
    CHECK(of("default", "\xc3\xa4\xff") == "/r/default/%C3%A4%FF");
    CHECK(of("", "a") == "/r/%/a");
    CHECK(of("default", "7") == "/r/default/7");
    CHECK(of("default", 7) == "/r/default/%=7");
    CHECK(of("default", std::tuple("a", 1)) != of("default", "(\"a\", 1)"));
    int object = 0;
    CHECK_THROWS_AS(of("default", &object), LockError);
    CHECK_THROWS_AS(of("default", std::tuple("a", &object)), LockError);
}

TEST_CASE("a lock waits for its holder in another process, and has the token of its node") {
    BackendWorld world;
    OtherProcess other(world);
    const auto test = [](BackendWorld& w, OtherProcess& o) -> Task<> {
        RemoteLock theirs = co_await o.locks.lock(path);
        std::string order;
        const Ref<Routine> ours = w.container.start(take(w, "a", order, 1s));
        co_await until_nodes_of(w, "a", 2);
        co_await sleep(1min);
        CHECK(order.empty());
        const auto before = static_cast<std::uint64_t>(theirs.token());
        theirs.release();
        while (order.empty()) {
            co_await sleep(1ms);
        }
        CHECK(w.table().list().at(0).holders.at(0).token > before);
        theirs = co_await o.locks.lock(path);
        CHECK(ours->ended());
        CHECK(static_cast<std::uint64_t>(theirs.token()) > before);
        theirs.release();
    };
    world.run(world.and_end(test(world, other)));
}

namespace {

template <class L>
Task<> take_for(BackendWorld& world, std::string name, std::string& order, Duration time) {
    L lock(world.scheduler, "a");
    co_await lock.lock();
    order += name;
    co_await sleep(time);
    order += "-";
}

}  // namespace

TEST_CASE("locks to read are shared with other processes, in the order in which all came") {
    BackendWorld world;
    OtherProcess other(world);
    const auto test = [](BackendWorld& w, OtherProcess& o) -> Task<> {
        RemoteLock theirs = co_await o.locks.read_lock(path);
        REQUIRE(theirs);
        std::string order;
        w.container.start(take_for<ReadLock>(w, "r", order, 5s));
        w.container.start(take_for<ReadLock>(w, "s", order, 5s));
        co_await until_nodes_of(w, "a", 3);
        co_await sleep(1s);
        CHECK(order == "rs");
        // A writer of another process, then a reader of this one, which does not overtake it.
        const auto write = [](OtherProcess& process, std::string& told) -> Task<> {
            RemoteLock writing = co_await process.locks.lock(path);
            told += "W";
            co_await sleep(1s);
            told += "-";
            writing.release();
        };
        const Ref<Routine> writer = w.container.start(write(o, order));
        co_await until_nodes_of(w, "a", 4);
        w.container.start(take_for<ReadLock>(w, "t", order, 1s));
        const Ref<Routine> last = w.container.start(take_for<Lock>(w, "u", order, 1s));
        co_await sleep(2s);
        CHECK(order == "rs");
        theirs.release();
        while (!last->ended()) {
            co_await sleep(10ms);
        }
        CHECK(order == "rs--W-t-u-");
        co_await until_nodes_of(w, "a", 0);
    };
    world.run(world.and_end(test(world, other)));
}

TEST_CASE("a process has one node for a key, however many of its routines wait") {
    BackendWorld world;
    OtherProcess other(world);
    const auto test = [](BackendWorld& w, OtherProcess& o) -> Task<> {
        RemoteLock theirs = co_await o.locks.lock(path);
        std::string order;
        std::vector<Ref<Routine>> ours;
        for (const char* const name : {"1", "2", "3", "4"}) {
            ours.push_back(w.container.start(take(w, name, order, 10ms)));
        }
        co_await until_nodes_of(w, "a", 2);
        co_await sleep(1s);
        CHECK(w.nodes_of("a") == 2);
        CHECK(w.table().list().at(0).waiting == 4);
        // The other process holds the lock; one more of its waiters would come first.
        CHECK(w.table().list().at(0).waiters.at(3).position == 4);
        CHECK(w.table().list().at(0).holding == 0);
        theirs.release();
        // Processes take turns: the second of ours is behind the other process.
        theirs = co_await o.locks.lock(path);
        CHECK(order == "1");
        theirs.release();
        while (!ours.back()->ended()) {
            co_await sleep(1ms);
        }
        CHECK(order == "1234");
        co_await until_nodes_of(w, "a", 0);
    };
    world.run(world.and_end(test(world, other)));
}

TEST_CASE("a wait that is cancelled or times out leaves no node") {
    BackendWorld world;
    OtherProcess other(world);
    const auto test = [](BackendWorld& w, OtherProcess& o) -> Task<> {
        const RemoteLock theirs = co_await o.locks.lock(path);
        std::string order;
        const Ref<Routine> ours = w.container.start(take(w, "a", order, 1s));
        co_await until_nodes_of(w, "a", 2);
        ours->close();
        co_await until_nodes_of(w, "a", 1);
        // Before the servers have answered.
        const Ref<Routine> early = w.container.start(take(w, "b", order, 1s));
        co_await do_events();
        early->close();
        Lock lock(w.scheduler, "a");
        const bool taken = co_await lock.lock(2s);
        CHECK_FALSE(taken);
        co_await until_nodes_of(w, "a", 1);
        while (w.backend->leaving() != 0) {
            co_await sleep(1ms);
        }
        CHECK(order.empty());
    };
    world.run(world.and_end(test(world, other)));
}

TEST_CASE("a timeout of zero asks the servers, and waits for no other holder") {
    BackendWorld world;
    OtherProcess other(world);
    const auto test = [](BackendWorld& w, OtherProcess& o) -> Task<> {
        RemoteLock theirs = co_await o.locks.lock(path);
        Lock lock(w.scheduler, "a");
        const Time begin = w.scheduler.now();
        bool taken = co_await lock.lock(0s);
        CHECK_FALSE(taken);
        CHECK(w.scheduler.now() - begin < 1s);
        co_await until_nodes_of(w, "a", 1);
        theirs.release();
        taken = co_await lock.lock(0s);
        CHECK(taken);
        // Held in this process: nothing is asked.
        Lock second(w.scheduler, "a");
        taken = co_await second.lock(0s);
        CHECK_FALSE(taken);
        CHECK_THROWS_AS(second.try_lock(), LockError);
        CHECK(lock.try_lock());
    };
    world.run(world.and_end(test(world, other)));
}

TEST_CASE("when no server can be reached, waits wait, and timeouts say that it is not known") {
    BackendWorld world;
    const auto test = [](BackendWorld& w) -> Task<> {
        std::string order;
        co_await take(w, "1", order, 0s);
        for (std::size_t server = 0; server != w.ensemble.size(); ++server) {
            w.ensemble.stop(server);
        }
        co_await sleep(1s);
        std::string error;
        co_await fail(w, 3s, error);
        CHECK(error.find("it is not known whether the lock is free") != std::string::npos);
        co_await fail(w, 0s, error);
        CHECK(error.find("no server of ZooKeeper has answered") != std::string::npos);
        const Ref<Routine> waiting = w.container.start(take(w, "2", order, 0s));
        co_await sleep(1min);
        CHECK(order == "1");
        for (std::size_t server = 0; server != w.ensemble.size(); ++server) {
            w.ensemble.start(server);
        }
        while (!waiting->ended()) {
            co_await sleep(10ms);
        }
        CHECK(order == "12");
    };
    world.run(world.and_end(test(world)));
}

TEST_CASE("while servers are silent no waiter is told that another client has the lock") {
    BackendWorld world;
    const auto test = [](BackendWorld& w) -> Task<> {
        std::string order;
        co_await take(w, "1", order, 0s);
        Session session(w.scheduler, w.ensemble.options());
        RemoteLocks others(session);
        const RemoteLock theirs = co_await others.lock(path);
        CHECK(theirs);
        std::string error;
        co_await fail(w, 500ms, error);
        CHECK(error == "not free");
        for (std::size_t server = 0; server != w.ensemble.size(); ++server) {
            w.ensemble.cut_from_clients(server);
        }
        co_await fail(w, 500ms, error);  // the session is connected, and nothing is answered
        CHECK_THAT(error, Catch::Contains("the servers have not answered in time: it is not known "
                                          "whether the lock is free"));
        for (std::size_t server = 0; server != w.ensemble.size(); ++server) {
            w.ensemble.heal(server);
        }
        co_await sleep(30s);
        co_await session.close();
    };
    world.run(world.and_end(test(world)));
}

TEST_CASE("a lock is lost with its session: its guard, its task and its session learn it") {
    BackendWorld world;
    const auto test = [](BackendWorld& w) -> Task<> {
        Lock lock(w.scheduler, "a");
        const LockGuard guard = co_await lock.acquire();
        CHECK(guard);
        CHECK(guard.valid_for() > 3s);
        CHECK(lock.valid_for() == guard.valid_for());
        LockSession session(w.scheduler, "client 1");
        const auto token = co_await session.acquire("b");
        CHECK(token);
        std::string ended;
        const auto work = [](BackendWorld& in, std::string& said) -> Task<> {
            Lock worked(in.scheduler, "c");
            try {
                Task<> forever = [](std::string& s) -> Task<> {
                    struct Says {
                        std::string& said;
                        ~Says() { said += "unwound, "; }
                    };
                    const Says says{s};
                    co_await sleep(1h);
                }(said);
                co_await with_lock(worked, std::move(forever));
            } catch (const LockLost& error) {
                said += error.what();
            }
        };
        const Ref<Routine> working = w.container.start(work(w, ended));
        co_await until_nodes_of(w, "c", 1);
        co_await sleep(100ms);
        w.ensemble.expire(w.backend->session().id());
        const auto event = co_await match<LockLostEvent>("default", "a");
        CHECK(event->token == lock.token());
        CHECK(event->reason == "the session with ZooKeeper has expired");
        CHECK_FALSE(guard);
        CHECK(guard.valid_for() == 0s);
        CHECK_FALSE(lock.locked());
        while (!working->ended()) {
            co_await sleep(1ms);
        }
        CHECK(ended ==
              "unwound, lock 'c' in context 'default': the session with ZooKeeper has expired");
        REQUIRE(session.lost().size() == 1);
        CHECK(session.lost()[0].token == *token);
        CHECK_THROWS_AS(session.release("b"), LockLost);
        CHECK_FALSE(session.release("b"));
        CHECK(w.table().statistics().lost == 3);
        // All of them can be taken again, in the next session.
        const bool again = co_await lock.lock();
        CHECK(again);
        CHECK(lock.token() > event->token);
        CHECK(lock.locked());
    };
    world.run(world.and_end(test(world)));
}

TEST_CASE("a process that was suspended does not believe in a lock that may be lost") {
    BackendWorld world;
    OtherProcess other(world);
    const auto test = [](BackendWorld& w, OtherProcess& o) -> Task<> {
        Lock lock(w.scheduler, "a");
        const LockGuard guard = co_await lock.acquire();
        w.poller.suspend(20s);
        CHECK_FALSE(guard);  // before any event
        CHECK_FALSE(lock.locked());
        // The same Lock can be taken again at once; what was lost is told.
        const bool again = co_await lock.lock();
        CHECK(again);
        CHECK(w.table().statistics().lost == 1);
        CHECK_FALSE(guard);
        lock.unlock();
        const RemoteLock theirs = co_await o.locks.lock(path);
        CHECK(theirs);
    };
    world.run(world.and_end(test(world, other)));
}

TEST_CASE("locks of a process that was killed are free when the next one starts") {
    const config::testing::TemporaryFolder folder;
    const std::filesystem::path here = std::filesystem::current_path();
    FakeWorld world;
    SessionKey key;
    SessionOptions options = world.ensemble.options(10s);
    const std::string servers =
        options.servers.at(0) + "," + options.servers.at(1) + "," + options.servers.at(2);
    options.began = [&key](const SessionKey& began) { key = began; };
    Session killed(world.scheduler, options);
    RemoteLocks its_locks(killed);
    const auto test = [&]() -> Task<> {
        const RemoteLock theirs = co_await its_locks.lock(path);
        REQUIRE(theirs);
        SessionFile(here, servers).write(key);  // its process has died, and left the file
        add_lock_queue(world.scheduler);
        LockTable::of(world.scheduler)
            .set_backend(
                std::make_unique<ZooKeeperBackend>(world.scheduler, world.ensemble.options(10s),
                                                   ZooKeeperBackendOptions{.state_folder = here}));
        Lock lock(world.scheduler, "a");
        bool held = co_await lock.lock(2s);  // its session would have lived for longer
        CHECK(held);
        CHECK_FALSE(world.ensemble.is_alive(key.id));
        CHECK(SessionFile::left_behind(here, servers).empty());
        CHECK(std::distance(std::filesystem::directory_iterator(here), {}) == 1);  // of this one
        lock.unlock();
        co_await remove_lock_queue(world.scheduler, true);
        CHECK(std::filesystem::is_empty(here));
    };
    world.run(test());
}

TEST_CASE("a session left behind that has expired hinders no lock") {
    const config::testing::TemporaryFolder folder;
    const std::filesystem::path here = std::filesystem::current_path();
    FakeWorld world;
    const SessionOptions options = world.ensemble.options(10s);
    SessionFile(here,
                options.servers.at(0) + "," + options.servers.at(1) + "," + options.servers.at(2))
        .write({0x7777, "expired"});
    add_lock_queue(world.scheduler);
    LockTable::of(world.scheduler)
        .set_backend(std::make_unique<ZooKeeperBackend>(
            world.scheduler, options, ZooKeeperBackendOptions{.state_folder = here}));
    const auto test = [&]() -> Task<> {
        Lock lock(world.scheduler, "a");
        const bool held = co_await lock.lock(2s);
        CHECK(held);
        lock.unlock();
        co_await remove_lock_queue(world.scheduler, true);
        CHECK(std::filesystem::is_empty(here));
    };
    world.run(test());
}

TEST_CASE("a process that is cut off gives up its lock before another process gets it") {
    BackendWorld world;
    OtherProcess other(world);
    const auto test = [](BackendWorld& w, OtherProcess& o) -> Task<> {
        Lock lock(w.scheduler, "a");
        const LockGuard guard = co_await lock.acquire();
        const std::uint64_t token = guard.token();
        for (std::size_t server = 0; server != w.ensemble.size(); ++server) {
            w.ensemble.cut_from_clients(server);
        }
        const auto lost = co_await match<LockLostEvent>();
        CHECK(lost->reason.find("another process may hold the lock") != std::string::npos);
        CHECK_FALSE(guard);
        const RemoteLock early = co_await o.locks.lock(path, w.in(1ms));
        CHECK_FALSE(early);  // its client is cut off, too
        for (std::size_t server = 0; server != w.ensemble.size(); ++server) {
            w.ensemble.heal(server);
        }
        const RemoteLock theirs = co_await o.locks.lock(path);
        CHECK(theirs);
        CHECK(static_cast<std::uint64_t>(theirs.token()) > token);
    };
    world.run(world.and_end(test(world, other)));
}

TEST_CASE("when each server ends in turn, no lock is lost, and waiters get it afterwards") {
    BackendWorld world;
    OtherProcess other(world);
    const auto test = [](BackendWorld& w, OtherProcess& o) -> Task<> {
        std::string order;
        Lock lock(w.scheduler, "a");
        LockGuard guard = co_await lock.acquire();
        const Ref<Routine> first = w.container.start(take(w, "1", order, 1ms));
        const Ref<Routine> second = w.container.start(take(w, "2", order, 1ms));
        const auto wait = [](OtherProcess& in, std::string& said) -> Task<> {
            const RemoteLock theirs = co_await in.locks.lock(path);
            said += "other";
        };
        const Ref<Routine> third = w.container.start(wait(o, order));
        co_await until_nodes_of(w, "a", 2);
        for (std::size_t server = 0; server != w.ensemble.size(); ++server) {
            w.ensemble.stop(server);
            co_await sleep(10s);
            CHECK(guard);
            w.ensemble.start(server);
            co_await sleep(10s);
            CHECK(guard);
        }
        CHECK(order.empty());
        guard.unlock();
        while (!first->ended() || !second->ended() || !third->ended()) {
            co_await sleep(10ms);
        }
        CHECK(order == "other12");
        CHECK(w.table().statistics().lost == 0);
        co_await until_nodes_of(w, "a", 0);
    };
    world.run(world.and_end(test(world, other)));
}

TEST_CASE("a semaphore has its slots among all processes, and excludes who wants the key alone") {
    BackendWorld world;
    OtherProcess other(world);
    const auto test = [](BackendWorld& w, OtherProcess& o) -> Task<> {
        Semaphore semaphore(w.scheduler, "a", 2);
        semaphore.create();
        Lock first(w.scheduler, "a");
        Lock second(w.scheduler, "a");
        co_await first.lock();
        RemoteLock theirs = co_await o.locks.slot(path, 2);
        CHECK(theirs);
        bool taken = co_await second.lock(0s);
        CHECK_FALSE(taken);
        RemoteLock alone = co_await o.locks.try_slot(path, 1, w.in(5s));
        CHECK_FALSE(alone);
        theirs.release();
        taken = co_await second.lock(5s);
        CHECK(taken);
        first.unlock();
        second.unlock();
        alone = co_await o.locks.lock(path);
        CHECK(alone);
        taken = co_await first.lock(1s);
        CHECK_FALSE(taken);
        alone.release();
        taken = co_await first.lock(5s);
        CHECK(taken);
        first.unlock();
        co_await semaphore.destroy();
    };
    world.run(world.and_end(test(world, other)));
}
