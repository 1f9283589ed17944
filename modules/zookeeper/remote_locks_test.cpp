#include "modules/zookeeper/remote_locks.h"

#include <memory>

#include <catch2/catch.hpp>

#include "core/wait/execute_all.h"
#include "modules/zookeeper/node_follower.h"
#include "modules/zookeeper/test_world.h"

using namespace weir;
using namespace weir::zookeeper;

namespace {

// A process that takes locks.
struct Process {
    explicit Process(FakeWorld& world, Duration timeout = 5s)
        : session(world.scheduler, world.ensemble.options(timeout)), locks(session) {}

    Session session;
    RemoteLocks locks;
};

std::size_t nodes_below(FakeWorld& world, const std::string& path) {
    const FakeTree::Node* const node = world.ensemble.tree().find(path);
    return node == nullptr ? 0 : node->children.size();
}

// Waits until the path has so many nodes below it.
Task<> until_nodes(FakeWorld& world, std::string path, std::size_t count) {
    while (nodes_below(world, path) != count) {
        co_await sleep(1ms);
    }
}

Task<> hold(Process& process, std::string name, std::string& order, Duration time) {
    const RemoteLock lock = co_await process.locks.lock("/locks/a");
    CHECK(lock);
    order += name;
    co_await sleep(time);
}

}  // namespace

TEST_CASE("a remote lock is granted first come, first served, with growing tokens") {
    FakeWorld world;
    Process one(world);
    Process two(world);
    std::string order;
    const auto test = [](FakeWorld& w, Process& a, Process& b, std::string& o) -> Task<> {
        RemoteLock lock = co_await a.locks.lock("/locks/a");
        CHECK(lock);
        CHECK(lock.valid_for() > 3s);
        CHECK(lock.token() > 0);
        CHECK(w.ensemble.tree().find("/locks/a")->container);
        std::vector<Ref<Routine>> waiting;
        for (std::size_t i = 0; i != 6; ++i) {
            Process& process = i % 2 == 0 ? a : b;
            waiting.push_back(w.container.start(hold(process, std::to_string(i), o, 10ms)));
            co_await until_nodes(w, "/locks/a", i + 2);
        }
        CHECK(o.empty());
        const std::int64_t first = lock.token();
        lock.release();
        CHECK_FALSE(lock);
        const RemoteLock last = co_await b.locks.lock("/locks/a");
        CHECK(o == "012345");
        CHECK(last.token() > first);
    };
    world.run(test(world, one, two, order));
}

TEST_CASE("a released lock leaves no node, and the servers delete the container") {
    FakeWorld world;
    Process process(world);
    const auto test = [](FakeWorld& w, Process& p) -> Task<> {
        for (int i = 0; i != 3; ++i) {
            const RemoteLock lock = co_await p.locks.lock("/locks/a");
            CHECK(lock);
            co_await sleep(61s);
            CHECK(lock);
        }
        co_await p.locks.all_left();
        CHECK(nodes_below(w, "/locks/a") == 0);
        co_await sleep(61s);
        CHECK(w.ensemble.tree().find("/locks/a") == nullptr);
        const RemoteLock again = co_await p.locks.lock("/locks/a");
        CHECK(again);
    };
    world.run(test(world, process));
}

TEST_CASE("a release wakes one waiter only: requests for each grant do not grow with waiters") {
    const auto requests_for = [](int waiters) {
        FakeWorld world;
        Process process(world);
        const auto test = [](FakeWorld& w, Process& p, int count) -> Task<> {
            RemoteLock lock = co_await p.locks.lock("/locks/a");
            std::string order;
            std::vector<Task<>> tasks;
            for (int i = 0; i != count; ++i) {
                tasks.push_back(hold(p, ".", order, 1ms));
            }
            const Ref<Routine> all = w.container.start(execute_all(w.container, std::move(tasks)));
            co_await until_nodes(w, "/locks/a", static_cast<std::size_t>(count) + 1);
            lock.release();
            while (!all->ended()) {
                co_await sleep(10ms);
            }
        };
        world.run(test(world, process, waiters));
        const std::uint64_t requests = world.ensemble.received(OpCode::create2) +
                                       world.ensemble.received(OpCode::remove) +
                                       world.ensemble.received(OpCode::get_children) +
                                       world.ensemble.received(OpCode::get_data);
        return static_cast<double>(requests) / waiters;
    };
    const double few = requests_for(10);
    const double many = requests_for(100);
    CHECK(few < 6);
    CHECK(many < few + 0.5);
}

TEST_CASE("a semaphore has as many holders as slots, and each release is seen") {
    FakeWorld world;
    Process one(world);
    Process two(world);
    int holders = 0;
    int most = 0;
    int grants = 0;
    const auto take = [](Process& p, int& now, int& top, int& all) -> Task<> {
        for (int i = 0; i != 10; ++i) {
            const RemoteLock slot = co_await p.locks.slot("/locks/s", 3);
            CHECK(slot);
            top = std::max(top, ++now);
            ++all;
            co_await sleep(
                std::chrono::milliseconds(1 + p.session.scheduler().poller().random() % 9));
            --now;
        }
    };
    world.run(take(one, holders, most, grants), take(one, holders, most, grants),
              take(one, holders, most, grants), take(two, holders, most, grants),
              take(two, holders, most, grants), take(two, holders, most, grants));
    CHECK(most == 3);
    CHECK(grants == 60);
}

TEST_CASE("a lock that is not granted before the deadline leaves no node") {
    FakeWorld world;
    Process one(world);
    Process two(world);
    const auto test = [](FakeWorld& w, Process& a, Process& b) -> Task<> {
        const RemoteLock held = co_await a.locks.lock("/locks/a");
        const RemoteLock late = co_await b.locks.lock("/locks/a", w.in(100ms));
        CHECK_FALSE(late);
        CHECK(w.now() < 300ms);
        co_await b.locks.all_left();
        CHECK(nodes_below(w, "/locks/a") == 1);
        CHECK(held);
    };
    world.run(test(world, one, two));
}

TEST_CASE("ten thousand tries and time-outs under lost connections leave no node") {
    FakeWorld world;
    Process one(world);
    Process two(world);
    const auto test = [](FakeWorld& w, Process& a, Process& b) -> Task<> {
        const auto try_often = [](FakeWorld& x, Process& p) -> Task<> {
            for (int i = 0; i != 5000; ++i) {
                const auto most = x.scheduler.poller().random() % 8'000;
                const RemoteLock lock =
                    co_await p.locks.lock("/locks/a", x.in(std::chrono::microseconds(most)));
                if (x.scheduler.poller().random() % 20 == 0) {
                    x.ensemble.lose_answers(1);
                }
            }
        };
        std::vector<Task<>> both;
        both.push_back(try_often(w, a));
        both.push_back(try_often(w, b));
        co_await execute_all(w.container, std::move(both));
        co_await a.locks.all_left();
        co_await b.locks.all_left();
        co_await sleep(10ms);
        CHECK(nodes_below(w, "/locks/a") == 0);
    };
    world.run(test(world, one, two));
}

TEST_CASE("a create whose answer is lost is found by its id, and counts from the first one") {
    FakeWorld world;
    Process one(world);
    Process two(world);
    const auto test = [](FakeWorld& w, Process& a, Process& b) -> Task<> {
        RemoteLock held = co_await a.locks.lock("/locks/a");
        w.ensemble.lose_answers(1);
        std::string order;
        const Ref<Routine> waiting = w.container.start(hold(b, "b", order, 1ms));
        co_await until_nodes(w, "/locks/a", 3);  // the lost one, and the second
        co_await until_nodes(w, "/locks/a", 2);  // which is deleted again
        held.release();
        while (!waiting->ended()) {
            co_await sleep(1ms);
        }
        CHECK(order == "b");
        co_await b.locks.all_left();
        CHECK(nodes_below(w, "/locks/a") == 0);
    };
    world.run(test(world, one, two));
}

TEST_CASE("a routine that is closed while it waits leaves no node") {
    for (Duration after = 0us; after < 20ms; after += 500us) {
        FakeWorld world(3);
        Process one(world);
        Process two(world);
        const auto test = [](FakeWorld& w, Process& a, Process& b, Duration wait) -> Task<> {
            const RemoteLock held = co_await a.locks.lock("/locks/a");
            co_await b.session.connected();
            std::string order;
            const Ref<Routine> waiting = w.container.start(hold(b, "b", order, 1ms));
            co_await sleep(wait);
            waiting->close();
            co_await b.locks.all_left();
            // A create that was on its way when the routine was closed is done before this.
            co_await b.session.sync("/locks/a");
            co_await b.locks.all_left();
            CHECK(nodes_below(w, "/locks/a") == 1);
            CHECK(order.empty());
        };
        world.run(test(world, one, two, after));
    }
}

TEST_CASE("a lock is lost with its session, and an expired waiter queues anew at once") {
    FakeWorld world;
    Process one(world, 3s);
    Process two(world, 3s);
    const auto test = [](FakeWorld& w, Process& a, Process& b) -> Task<> {
        RemoteLock held = co_await a.locks.lock("/locks/a");
        std::string order;
        const Ref<Routine> waiting = w.container.start(hold(b, "b", order, 1ms));
        co_await until_nodes(w, "/locks/a", 2);
        // The waiter's session expires while the lock is held.
        w.ensemble.expire(b.session.id());
        co_await until_nodes(w, "/locks/a", 1);
        const Time expired = w.scheduler.now();
        co_await until_nodes(w, "/locks/a", 2);
        CHECK(w.scheduler.now() - expired < 2s);
        // Now that of the holder does. The servers close its connection, and so it learns it.
        const std::int64_t id = a.session.id();
        w.ensemble.expire(id);
        while (a.session.id() == id) {
            co_await sleep(1ms);
        }
        CHECK_FALSE(held);
        while (!waiting->ended()) {
            co_await sleep(1ms);
        }
        CHECK(order == "b");
        CHECK_FALSE(held);
    };
    world.run(test(world, one, two));
}

TEST_CASE("the node of an expired session that is still listed is not taken for one's own") {
    FakeWorld world;
    Process process(world, 3s);
    const auto test = [](FakeWorld& w, Process& p) -> Task<> {
        RemoteLock held = co_await p.locks.lock("/locks/a");
        const std::string old = held.path();
        // The session expires. The servers lag, so that the old node is listed for a while.
        for (std::size_t server = 0; server != 3; ++server) {
            w.ensemble.set_lag(server, 200ms);
        }
        w.ensemble.expire(p.session.id());
        const RemoteLock again = co_await p.locks.lock("/locks/a");
        CHECK(again);
        CHECK(again.path() != old);
        CHECK(again.token() > held.token());
        CHECK_FALSE(held);
        held.release();
        co_await p.locks.all_left();
        CHECK(again);
    };
    world.run(test(world, process));
}

TEST_CASE("a grant that comes when the session is not certainly alive is not taken") {
    FakeWorld world;
    Process one(world, 4s);
    Process two(world, 4s);
    const auto test = [](FakeWorld& w, Process& a, Process& b) -> Task<> {
        RemoteLock held = co_await a.locks.lock("/locks/a");
        std::string order;
        const Ref<Routine> waiting = w.container.start(hold(b, "b", order, 1ms));
        co_await until_nodes(w, "/locks/a", 2);
        // The machine is suspended at the moment in which the grant is on its way.
        held.release();
        co_await until_nodes(w, "/locks/a", 1);
        w.poller.suspend(3500ms);
        CHECK_FALSE(b.session.valid());
        const std::string first = *w.ensemble.tree().find("/locks/a")->children.begin();
        while (!waiting->ended()) {
            CHECK((order.empty() || b.session.valid()));
            co_await sleep(1ms);
        }
        CHECK(order == "b");
        co_await b.locks.all_left();
        CHECK(w.ensemble.tree().find("/locks/a/" + first) == nullptr);
    };
    world.run(test(world, one, two));
}

TEST_CASE("no lock is lost, and all waiters get it, when each server in turn is restarted") {
    FakeWorld world;
    Process one(world);
    Process two(world);
    const auto test = [](FakeWorld& w, Process& a, Process& b) -> Task<> {
        RemoteLock held = co_await a.locks.lock("/locks/a");
        std::string order;
        const Ref<Routine> second = w.container.start(hold(b, "b", order, 1ms));
        co_await until_nodes(w, "/locks/a", 2);
        const Ref<Routine> third = w.container.start(hold(a, "a", order, 1ms));
        co_await until_nodes(w, "/locks/a", 3);
        const std::size_t leader = w.ensemble.leader();
        for (std::size_t i = 0; i != 3; ++i) {
            w.ensemble.stop((leader + i) % 3);
            co_await sleep(5s);
            w.ensemble.start((leader + i) % 3);
            co_await sleep(5s);
            CHECK(held);
            CHECK(nodes_below(w, "/locks/a") == 3);
        }
        held.release();
        while (!second->ended() || !third->ended()) {
            co_await sleep(1ms);
        }
        CHECK(order == "ba");
    };
    world.run(test(world, one, two));
}

TEST_CASE("a process that ends between its create and its list leaves the semaphore reachable") {
    for (Duration after = 0us; after < 20ms; after += 500us) {
        FakeWorld world(5);
        Process living(world);
        const auto test = [](FakeWorld& w, Process& p, Duration wait) -> Task<> {
            auto ending = std::make_unique<Process>(w);
            const RemoteLock one = co_await p.locks.slot("/locks/s", 2);
            const auto take = [](Process& process) -> Task<> {
                const RemoteLock slot = co_await process.locks.slot("/locks/s", 2);
                co_await sleep(1h);
            };
            const Ref<Routine> taking = w.container.start(take(*ending));
            co_await sleep(wait);
            taking->close();
            ending.reset();
            const RemoteLock two = co_await p.locks.slot("/locks/s", 2, w.in(10s));
            CHECK(two);
            CHECK(one);
        };
        world.run(test(world, living, after));
    }
}

TEST_CASE("an administrator may delete the node of a waiter, which then queues anew") {
    FakeWorld world;
    Process one(world);
    Process two(world);
    const auto test = [](FakeWorld& w, Process& a, Process& b) -> Task<> {
        RemoteLock held = co_await a.locks.lock("/locks/a");
        std::string order;
        const Ref<Routine> waiting = w.container.start(hold(b, "b", order, 1ms));
        co_await until_nodes(w, "/locks/a", 2);
        const std::string last = *w.ensemble.tree().find("/locks/a")->children.rbegin();
        const std::string first = *w.ensemble.tree().find("/locks/a")->children.begin();
        co_await a.session.remove("/locks/a/" + (held.path().ends_with(last) ? first : last));
        held.release();
        while (!waiting->ended()) {
            co_await sleep(1ms);
        }
        CHECK(order == "b");
    };
    world.run(test(world, one, two));
}

TEST_CASE("a leader's task is unwound before another leads, and leads again when it can") {
    FakeWorld world;
    Process one(world, 3s);
    Process two(world, 3s);
    int leaders = 0;
    int most = 0;
    int lost = 0;
    const auto run = [](Process& p, int& now, int& top, int& ended) -> Task<> {
        for (bool done = false; !done;) {
            const auto work = [&now, &top](const RemoteLock&) {
                return [](int& n, int& t) -> Task<> {
                    struct Leading {
                        int& count;
                        ~Leading() { --count; }
                    };
                    t = std::max(t, ++n);
                    const Leading leading{n};
                    co_await sleep(20s);
                }(now, top);
            };
            Task<bool> leading = lead(p.locks, "/locks/leader", work);
            done = co_await leading;
            ended += done ? 0 : 1;
        }
    };
    const auto cut = [](FakeWorld& w) -> Task<> {
        for (int i = 0; i != 4; ++i) {
            co_await sleep(7s);
            for (std::size_t server = 0; server != 3; ++server) {
                w.ensemble.cut_from_clients(server);
            }
            co_await sleep(6s);
            for (std::size_t server = 0; server != 3; ++server) {
                w.ensemble.heal(server);
            }
        }
    };
    world.run(run(one, leaders, most, lost), run(two, leaders, most, lost), cut(world));
    CHECK(leaders == 0);
    CHECK(most == 1);
    CHECK(lost > 0);
}

TEST_CASE("a follower of a node sees its newest state, through expired sessions") {
    FakeWorld world;
    Process one(world, 3s);
    Process two(world, 3s);
    const auto test = [](FakeWorld& w, Process& a, Process& b) -> Task<> {
        NodeFollower follower(a.session, "/config");
        const std::optional<Node> none = co_await follower.next();
        CHECK_FALSE(none);
        co_await b.session.create("/config", "1");
        const std::optional<Node> first = co_await follower.next();
        CHECK(first->data == "1");
        w.ensemble.expire(a.session.id());
        co_await b.session.set("/config", "2");
        co_await b.session.set("/config", "3");
        std::optional<Node> next = co_await follower.next();
        while (next->data != "3") {
            next = co_await follower.next();
        }
        co_await b.session.remove("/config");
        const std::optional<Node> gone = co_await follower.next();
        CHECK_FALSE(gone);
    };
    world.run(test(world, one, two));
}
