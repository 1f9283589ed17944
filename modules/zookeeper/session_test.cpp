#include "modules/zookeeper/session.h"

#include <memory>
#include <vector>

#include <catch2/catch.hpp>

#include "core/wait/execute_all.h"
#include "modules/zookeeper/test_world.h"

using namespace weir;
using namespace weir::zookeeper;

namespace {

Task<> close(Session& session) {
    co_await session.close();
}

}  // namespace

TEST_CASE("requests wait for a connection, up to their deadlines, and say why there is none") {
    FakeWorld world;
    for (std::size_t server = 0; server != 3; ++server) {
        world.ensemble.stop(server);
    }
    Session session(world.scheduler, world.ensemble.options());
    const auto test = [](FakeWorld& w, Session& s) -> Task<> {
        auto reading = s.get("/", w.in(700ms));
        const std::string none = co_await error_of<UnavailableError>(reading);
        CHECK(none.starts_with("reading '/': no server before the deadline: connecting to zk"));
        CHECK(none.ends_with("connection refused (ECONNREFUSED)"));
        CHECK(w.now() == 700ms);
        auto writing = s.create("/a", "", CreateMode::persistent, open_acl(), w.in(1h));
        for (std::size_t server = 0; server != 3; ++server) {
            w.ensemble.start(server);
        }
        const Created made = co_await writing;
        CHECK(made.path == "/a");
        co_await s.close();
        auto late = s.get("/");
        const std::string closed = co_await error_of<ClosedError>(late);
        CHECK(closed == "reading '/': the session was closed");
    };
    world.run(test(world, session));
    CHECK(world.log[0].starts_with("no server could be reached of tcp://zk"));
    CHECK(world.log[1].starts_with("session 0x101 is connected to tcp://zk"));
    CHECK(world.log.size() == 2);
}

TEST_CASE("a request that is never sent is not done later") {
    FakeWorld world;
    for (std::size_t server = 0; server != 3; ++server) {
        world.ensemble.stop(server);
    }
    Session session(world.scheduler, world.ensemble.options());
    const auto test = [](FakeWorld& w, Session& s) -> Task<> {
        auto writing = s.create("/a", "", CreateMode::persistent, open_acl(), w.in(1s));
        const std::string none = co_await error_of<UnavailableError>(writing);
        CHECK(none.starts_with("creating '/a': no server"));
        // Nobody waits for this one: its deadline counts when it would be sent.
        auto forgotten = s.create("/b", "", CreateMode::persistent, open_acl(), w.in(1ms));
        for (std::size_t server = 0; server != 3; ++server) {
            w.ensemble.start(server);
        }
        co_await s.connected();
        const std::string late = co_await error_of<UnavailableError>(forgotten);
        CHECK(late.starts_with("creating '/b': no server"));
        const Children listed = co_await s.children("/");
        CHECK(listed.names.empty());
        co_await s.close();
    };
    world.run(test(world, session));
}

TEST_CASE("a write whose answer is lost is in doubt, and a read is sent again") {
    FakeWorld world;
    Session session(world.scheduler, world.ensemble.options());
    const auto test = [](FakeWorld& w, Session& s) -> Task<> {
        co_await s.connected();
        const std::int64_t id = s.id();
        const std::string server = s.server();
        w.ensemble.lose_answers(1);
        auto writing = s.create("/a");
        auto reading = s.get("/");
        const std::string doubt = co_await error_of<InDoubtError>(writing);
        CHECK(doubt.starts_with("creating '/a' on " + server + ": it may have been done"));
        co_await reading;
        CHECK(s.id() == id);
        co_await s.sync("/a");
        const std::optional<Stat> there = co_await s.exists("/a");
        CHECK(there.has_value());
        co_await s.close();
    };
    world.run(test(world, session));
}

TEST_CASE("a session goes over to another server, with its ephemeral nodes and its watches") {
    FakeWorld world;
    Session session(world.scheduler, world.ensemble.options());
    Session other(world.scheduler, world.ensemble.options());
    const auto test = [](FakeWorld& w, Session& s, Session& o) -> Task<> {
        co_await s.connected();
        const std::int64_t id = s.id();
        co_await s.create("/e", "", CreateMode::ephemeral);
        Watch watch;
        co_await s.get("/", watch);
        Watch children;
        co_await s.children("/", children);
        for (int round = 0; round != 20; ++round) {
            w.ensemble.disconnect_clients();
            co_await s.sync("/");
            co_await o.sync("/");
        }
        CHECK(s.id() == id);
        CHECK(s.valid());
        CHECK_FALSE(children.fired());
        // What happens while it is not connected fires when it is.
        w.ensemble.disconnect_clients();
        co_await sleep(1ms);
        co_await o.connected();
        co_await o.create("/x");
        const auto changed = co_await children.changed();
        CHECK(changed == WatchedChange::children);
        CHECK(watch.armed());
        const std::optional<Stat> there = co_await s.exists("/e");
        CHECK(there.has_value());
        co_await s.close();
        co_await o.close();
        const bool told = watch.fired() == WatchedChange::none;
        CHECK(told);
    };
    world.run(test(world, session, other));
}

TEST_CASE("an expired session fails what waits, and a new one begins") {
    FakeWorld world;
    Session session(world.scheduler, world.ensemble.options(2s));
    const auto test = [](FakeWorld& w, Session& s) -> Task<> {
        const MatcherOf<SessionEvent> expiry = match<SessionEvent>(s.name(), SessionState::expired);
        co_await s.create("/e", "", CreateMode::ephemeral);
        const std::int64_t id = s.id();
        Watch watch;
        co_await s.get("/", watch);
        for (std::size_t server = 0; server != 3; ++server) {
            w.ensemble.cut_from_clients(server);
        }
        // The servers let it expire; it cannot know, and counts on nothing any more.
        co_await sleep(4s);
        CHECK(s.state() == SessionState::disconnected);
        CHECK(s.id() == id);
        CHECK_FALSE(s.valid());
        CHECK_FALSE(w.ensemble.is_alive(id));
        auto waiting = s.get("/", w.in(1h));
        for (std::size_t server = 0; server != 3; ++server) {
            w.ensemble.heal(server);
        }
        const Ref<SessionEvent> told = co_await expiry;
        CHECK(told->reason == "session 0x101 has expired");
        const std::string expired = co_await error_of<SessionExpiredError>(waiting);
        CHECK(expired == "reading '/': the session 0x101 has expired");
        CHECK(watch.fired() == WatchedChange::none);
        co_await s.connected();
        CHECK(s.id() != id);
        CHECK(s.valid());
        const std::optional<Stat> gone = co_await s.exists("/e");
        CHECK_FALSE(gone);
        co_await s.close();
    };
    world.run(test(world, session));
}

TEST_CASE("wrong credentials end a session, right ones are told to each server") {
    FakeWorld world;
    SessionOptions options = world.ensemble.options();
    options.credentials = {{"digest", "nobody:wrong"}};
    Session wrong(world.scheduler, options);
    options.credentials = {{"digest", "ann:right"}, {"digest", "bob:right"}};
    Session right(world.scheduler, options);
    const auto test = [](FakeWorld& w, Session& refused, Session& s) -> Task<> {
        auto reading = refused.get("/");
        std::string error;
        try {
            co_await reading;
            co_await sleep(1s);
            co_await refused.connected();
        } catch (const ClosedError& closed) {
            error = closed.what();
        }
        CHECK(error != "");
        CHECK(refused.state() == SessionState::refused);
        co_await s.connected();
        w.ensemble.disconnect_clients();
        co_await s.sync("/");
        CHECK(w.ensemble.received(OpCode::auth) == 5);
        co_await s.close();
    };
    world.run(test(world, wrong, right));
}

TEST_CASE("a destroyed session tells the servers, and its requests fail") {
    FakeWorld world;
    const auto test = [](FakeWorld& w) -> Task<> {
        auto session = std::make_unique<Session>(w.scheduler, w.ensemble.options());
        co_await session->create("/e", "", CreateMode::ephemeral);
        Watch watch;
        co_await session->get("/", watch);
        session.reset();
        CHECK(watch.fired() == WatchedChange::none);
        co_await sleep(50ms);
        CHECK(w.ensemble.sessions() == 0);
        CHECK(w.ensemble.tree().find("/e") == nullptr);
    };
    world.run(test(world));
}

TEST_CASE("a session may be closed in each of its states") {
    for (Duration after = 0ms; after < 40ms; after += 500us) {
        FakeWorld world(7);
        Session session(world.scheduler, world.ensemble.options());
        const auto test = [](Session& s, Duration wait) -> Task<> {
            co_await sleep(wait);
            co_await s.close();
            CHECK(s.state() == SessionState::closed);
            co_await s.close();
        };
        world.run(test(session, after));
    }
}

TEST_CASE("wrong options and paths are programming errors") {
    FakeWorld world;
    SessionOptions options = world.ensemble.options();
    options.root = "no/slash";
    CHECK_THROWS_WITH(Session(world.scheduler, options),
                      "the path 'no/slash' of a node must begin with '/'");
    options = world.ensemble.options();
    options.servers = {};
    CHECK_THROWS_WITH(Session(world.scheduler, options),
                      "a ZooKeeper session needs at least one server");
    options.servers = {"tcp://host:port"};
    CHECK_THROWS_AS(Session(world.scheduler, options), AddressError);
    Session session(world.scheduler, world.ensemble.options());
    CHECK_THROWS_WITH(session.get("/a/"), Catch::Contains("nor end with '/'"));
    world.run(close(session));
}

TEST_CASE("a session at a server that is cut off is not valid any more when the leader ends it") {
    // The server goes on answering reads for 10 s; the session expires after 4 s.
    FakeWorld world(1, {.sync_limit = 20});
    Session session(world.scheduler, world.ensemble.options(4s));
    const auto test = [](FakeWorld& w, Session& s) -> Task<> {
        co_await s.connected();
        const auto server = static_cast<std::size_t>(s.server()[8] - '0');
        while (server == w.ensemble.leader()) {
            w.ensemble.move_leader();
            co_await sleep(3s);
            co_await s.connected();
        }
        const auto at = static_cast<std::size_t>(s.server()[8] - '0');
        const std::int64_t id = s.id();
        bool was_valid_at_expiry = false;
        w.ensemble.on_expiry = [&](std::int64_t expired) {
            was_valid_at_expiry = expired == id && s.valid();
        };
        for (std::size_t other = 0; other != 3; ++other) {
            if (other != at) {
                w.ensemble.cut_from_clients(other);
            }
        }
        w.ensemble.cut(at);
        int reads = 0;
        while (w.ensemble.is_alive(id)) {
            auto reading = s.get("/", w.in(100ms));
            const std::string failed = co_await error_of<UnavailableError>(reading);
            reads += failed.empty() ? 1 : 0;
            co_await sleep(50ms);
        }
        CHECK(reads >= 10);  // which prove nothing
        CHECK_FALSE(was_valid_at_expiry);
        CHECK_FALSE(s.valid());
        for (std::size_t every = 0; every != 3; ++every) {
            w.ensemble.heal(every);
        }
        co_await s.close();
    };
    world.run(test(world, session));
}

TEST_CASE("a session is not valid when the machine wakes up after a suspend that was too long") {
    FakeWorld world;
    Session session(world.scheduler, world.ensemble.options(4s));
    const auto test = [](FakeWorld& w, Session& s) -> Task<> {
        co_await s.connected();
        co_await sleep(1s);
        CHECK(s.valid());
        const Time before = w.scheduler.now();
        w.poller.suspend(10s);
        // No timer has expired, and no event has come.
        CHECK(w.scheduler.now() == before);
        CHECK(s.state() == SessionState::connected);
        CHECK_FALSE(s.valid());
        co_await s.close();
    };
    world.run(test(world, session));
}

TEST_CASE("a session connects again a thousand times, and leaves nothing behind") {
    FakeWorld world;
    Session session(world.scheduler, world.ensemble.options());
    const auto test = [](FakeWorld& w, Session& s) -> Task<> {
        co_await s.connected();
        const std::int64_t id = s.id();
        for (int round = 0; round != 1000; ++round) {
            w.ensemble.disconnect_clients();
            co_await s.sync("/");
        }
        CHECK(s.id() == id);
        co_await s.close();
    };
    world.run(test(world, session));
    CHECK(world.ensemble.sessions() == 0);
}

TEST_CASE("a session without servers tries about twice a second, and says so once") {
    FakeWorld world;
    int attempts = 0;
    SessionOptions options = world.ensemble.options(10s);
    options.connect = [&](Scheduler&, Address server) -> Task<ByteStream::Owner> {
        ++attempts;
        throw StreamError("connecting to " + server.text(), UV_ECONNREFUSED);
        co_return nullptr;
    };
    Session session(world.scheduler, options);
    const auto test = []() -> Task<> { co_await sleep(1000s); };
    world.run(test());
    CHECK(attempts > 1000);  // the pauses are random, up to a second
    CHECK(attempts < 3000);
    CHECK(world.log.size() == 1);
}

TEST_CASE("a hundred sessions whose servers fail together connect again at different times") {
    FakeWorld world;
    std::vector<std::unique_ptr<Session>> sessions(100);
    for (auto& session : sessions) {
        session = std::make_unique<Session>(world.scheduler, world.ensemble.options());
    }
    std::vector<Duration> connected_at;
    const auto test = [](FakeWorld& w, auto& all, auto& times) -> Task<> {
        for (auto& session : all) {
            co_await session->connected();
        }
        const Duration begin = w.now();
        w.ensemble.disconnect_clients();
        const auto ask = [](FakeWorld& same, Session& session, auto& when) -> Task<> {
            co_await session.sync("/");
            when.push_back(same.now());
        };
        std::vector<Task<>> asking;
        for (auto& session : all) {
            asking.push_back(ask(w, *session, times));
        }
        Container container(w.scheduler);
        co_await execute_all(container, std::move(asking));
        for (Duration& time : times) {
            time -= begin;
        }
        for (auto& session : all) {
            co_await session->close();
        }
    };
    world.run(test(world, sessions, connected_at));
    REQUIRE(connected_at.size() == 100);
    // Pauses are random, up to 50 ms at first. In order of time, because each is added when it
    // ends.
    CHECK(connected_at.back() - connected_at.front() > 30ms);
    for (std::size_t i = 10; i != connected_at.size(); ++i) {
        CHECK(connected_at[i] - connected_at[i - 10] > 1ms);
    }
}
