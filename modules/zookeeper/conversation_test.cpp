// A session speaks with servers about everything that it can ask, and checks the answers: with
// those in memory in simulations, and with real ones, so that both are known to be alike.

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include <catch2/catch.hpp>

#include "core/run/uv_poller.h"
#include "core/wait/execute_all.h"
#include "modules/zookeeper/remote_locks.h"
#include "modules/zookeeper/test_world.h"

using namespace weir;
using namespace weir::zookeeper;

namespace {

Task<> speak_of_nodes(Session& session) {
    const Created made = co_await session.create("/conversation/a", "one");
    CHECK(made.path == "/conversation/a");
    CHECK(made.stat.ephemeral_owner == 0);
    CHECK(made.stat.czxid != 0);
    CHECK(made.stat.czxid == made.stat.mzxid);
    CHECK(made.stat.data_length == 3);

    const Stat changed = co_await session.set("/conversation/a", "three");
    CHECK(changed.version == 1);
    CHECK(changed.mzxid > changed.czxid);
    const Node node = co_await session.get("/conversation/a");
    CHECK(node.data == "three");
    CHECK(node.stat == changed);

    auto late = session.set("/conversation/a", "late", 0);
    const std::string refused = co_await error_of<RefusedError>(late);
    CHECK(refused == "writing '/conversation/a' on " + session.server() +
                         ": the node has another version (-103)");
    auto again = session.create("/conversation/a");
    const std::string exists = co_await error_of<RefusedError>(again);
    CHECK(exists.ends_with("the node exists already (-110)"));
    auto orphan = session.create("/conversation/none/a");
    const std::string no_parent = co_await error_of<RefusedError>(orphan);
    CHECK(no_parent.ends_with("no such node (-101)"));
    auto full = session.remove("/conversation");
    const std::string not_empty = co_await error_of<RefusedError>(full);
    CHECK(not_empty.ends_with("the node has children (-111)"));

    const std::optional<Stat> there = co_await session.exists("/conversation/a");
    CHECK(there == std::optional(changed));
    co_await session.remove("/conversation/a", 1);
    const std::optional<Stat> gone = co_await session.exists("/conversation/a");
    CHECK_FALSE(gone);
    const std::string binary("\0\xff/\n", 4);
    co_await session.create("/conversation/binary", binary);
    const Node read = co_await session.get("/conversation/binary");
    CHECK(read.data == binary);
    co_await session.remove("/conversation/binary");
}

Task<> speak_of_modes(Session& session, Session& other) {
    co_await session.create("/conversation/box", "", CreateMode::container);
    const Created first =
        co_await session.create("/conversation/box/x-", "", CreateMode::ephemeral_sequential);
    const Created second =
        co_await other.create("/conversation/box/x-", "", CreateMode::ephemeral_sequential);
    const Created third =
        co_await session.create("/conversation/box/x-", "", CreateMode::persistent_sequential);
    CHECK(first.path == "/conversation/box/x-0000000000");
    CHECK(second.path == "/conversation/box/x-0000000001");
    CHECK(third.path == "/conversation/box/x-0000000002");
    CHECK(first.stat.ephemeral_owner == session.id());
    CHECK(second.stat.ephemeral_owner == other.id());
    CHECK(third.stat.ephemeral_owner == 0);
    CHECK(first.stat.czxid < second.stat.czxid);

    auto child = session.create(first.path + "/child");
    const std::string refused = co_await error_of<RefusedError>(child);
    CHECK(refused.ends_with("an ephemeral node has no children (-108)"));
    co_await session.sync("/conversation/box");
    Children listed = co_await session.children("/conversation/box");
    std::ranges::sort(listed.names);
    CHECK(listed.names == std::vector<std::string>{"x-0000000000", "x-0000000001", "x-0000000002"});
    CHECK(listed.stat.children == 3);
    for (const Created* made : {&first, &second, &third}) {
        co_await session.remove(made->path);
    }
    const Created fourth =
        co_await session.create("/conversation/box/x-", "", CreateMode::persistent_sequential);
    CHECK(fourth.path == "/conversation/box/x-0000000003");
    co_await session.remove(fourth.path);
    co_await session.remove("/conversation/box");
}

Task<> speak_of_watches(Session& session, Session& other) {
    Watch birth;
    const std::optional<Stat> none = co_await session.exists("/conversation/w", birth);
    CHECK_FALSE(none);
    CHECK(birth.armed());
    co_await other.create("/conversation/w", "1");
    const auto born = co_await birth.changed();
    CHECK(born == WatchedChange::created);

    Watch data;
    Watch children;
    Watch death;
    co_await session.get("/conversation/w", data);
    co_await session.children("/conversation/w", children);
    const std::optional<Stat> there = co_await session.exists("/conversation/w", death);
    CHECK(there.has_value());
    co_await other.create("/conversation/w/child");
    const auto grown = co_await children.changed();
    CHECK(grown == WatchedChange::children);
    CHECK_FALSE(data.fired());
    co_await other.set("/conversation/w", "2");
    const auto written = co_await data.changed();
    CHECK(written == WatchedChange::data);
    const auto also_written = co_await death.changed();
    CHECK(also_written == WatchedChange::data);
    const Node node = co_await session.get("/conversation/w", data);
    CHECK(node.data == "2");
    co_await session.children("/conversation/w", children);
    co_await other.remove("/conversation/w/child");
    const auto shrunk = co_await children.changed();
    CHECK(shrunk == WatchedChange::children);
    co_await session.children("/conversation/w", children);
    co_await other.remove("/conversation/w");
    const auto gone = co_await data.changed();
    CHECK(gone == WatchedChange::deleted);
    const auto gone_too = co_await children.changed();
    CHECK(gone_too == WatchedChange::deleted);

    Watch unarmed;
    auto missing = session.get("/conversation/none", unarmed);
    const std::string refused = co_await error_of<RefusedError>(missing);
    CHECK(refused.ends_with("no such node (-101)"));
    CHECK_FALSE(unarmed.armed());
}

Task<> speak_of_transactions(Session& session) {
    Transaction both;
    both.create("/conversation/t", "1")
        .create("/conversation/t/s-", "", CreateMode::ephemeral_sequential)
        .set("/conversation/t", "2", 0)
        .check("/conversation/t", 1);
    const std::vector<OperationResult> done = co_await session.commit(both);
    REQUIRE(done.size() == 4);
    CHECK(done[0].path == "/conversation/t");
    CHECK(done[1].path == "/conversation/t/s-0000000000");
    const std::optional<Stat> own = co_await session.exists(done[1].path);
    REQUIRE(own);
    CHECK(own->ephemeral_owner == session.id());
    CHECK(done[2].stat.version == 1);

    Transaction failing;
    failing.set("/conversation/t", "3").check("/conversation/t", 1).remove("/conversation/t");
    auto commit = session.commit(failing);
    const std::string refused = co_await error_of<RefusedError>(commit);
    CHECK(refused == "operation 2 of a transaction: the node has another version (-103)");
    const Node node = co_await session.get("/conversation/t");
    CHECK(node.data == "2");

    Transaction removing;
    removing.remove(done[1].path).remove("/conversation/t");
    co_await session.commit(removing);
    const std::optional<Stat> gone = co_await session.exists("/conversation/t");
    CHECK_FALSE(gone);
}

// Many requests at once are answered in their order.
Task<> speak_at_once(Session& session) {
    auto making = session.create("/conversation/p", "1");
    auto listing = session.children("/conversation");
    auto writing = session.set("/conversation/p", "2");
    auto reading = session.get("/conversation/p");
    auto removing = session.remove("/conversation/p");
    auto looking = session.exists("/conversation/p");
    const std::optional<Stat> gone = co_await looking;
    CHECK_FALSE(gone);
    const Node node = co_await reading;
    CHECK(node.data == "2");
    const Children listed = co_await listing;
    CHECK(listed.names == std::vector<std::string>{"p"});
    co_await making;
    co_await writing;
    co_await removing;
}

// `other` is another session with the same servers. Requires that /conversation is not there.
Task<> converse(Session& session, Session& other) {
    co_await session.connected();
    co_await other.connected();
    CHECK(session.id() != other.id());
    CHECK(session.valid());
    co_await session.create_all("/conversation");
    co_await session.create_all("/conversation");
    co_await other.sync("/conversation");
    co_await speak_of_nodes(session);
    co_await speak_of_modes(session, other);
    co_await speak_of_watches(session, other);
    co_await speak_of_transactions(session);
    co_await speak_at_once(session);
    // An ephemeral node goes with its session.
    Watch end;
    co_await other.create("/conversation/e", "", CreateMode::ephemeral);
    co_await session.sync("/conversation/e");
    co_await session.get("/conversation/e", end);
    co_await other.close();
    CHECK(other.state() == SessionState::closed);
    CHECK_FALSE(other.valid());
    const auto ended = co_await end.changed();
    CHECK(ended == WatchedChange::deleted);
    co_await session.remove("/conversation");
}

Task<> converse_and_close(Session& session, Session& other) {
    co_await converse(session, other);
    co_await session.close();
}

// Returns options for the servers in WEIR_ZOOKEEPER, by which tests/e2e/zookeeper_test.py tells the
// addresses of those that it has started.
SessionOptions real_servers() {
    const char* const servers = std::getenv("WEIR_ZOOKEEPER");
    REQUIRE(servers != nullptr);
    SessionOptions options;
    for (std::string_view left = servers; !left.empty();) {
        const std::size_t comma = std::min(left.find(','), left.size());
        options.servers.emplace_back(left.substr(0, comma));
        left.remove_prefix(std::min(comma + 1, left.size()));
    }
    options.timeout = 2s;
    return options;
}

void check_log(const std::vector<std::string>& log) {
    for (const std::string& line : log) {
        INFO(line);
        CHECK(line.find("exception") == std::string::npos);
    }
}

// Makes a node that only its maker may read, and looks at it. Returns why not, if not.
Task<std::string> make_own_node(Session& session) {
    const std::vector<Acl> mine{{Acl::all, "sasl", "ann"}};
    std::string error;
    try {
        co_await session.create("/mine", "secret", CreateMode::ephemeral, mine);
        const Node node = co_await session.get("/mine");
        CHECK(node.data == "secret");
    } catch (const Error& refused) {
        error = refused.what();
    }
    co_return error;
}

Task<> log_in_as_ann(Session& ann, Session& bob, Session& wrong, Session& nobody) {
    const std::string none = co_await make_own_node(ann);
    CHECK(none == "");
    auto reading = bob.get("/mine");
    const std::string not_his = co_await error_of<RefusedError>(reading);
    CHECK_THAT(not_his, Catch::EndsWith("not allowed (-102)"));
    const std::string refused = co_await make_own_node(wrong);
    CHECK_THAT(refused, Catch::Contains("refuses the login: "));
    const std::string required = co_await make_own_node(nobody);
    CHECK_THAT(required,
               Catch::Contains("a login by SASL is required, and has not succeeded (-124)"));
    co_await ann.close();
    co_await bob.close();
}

// Adds one to the number in /interop/counter, under a lock alone.
Task<> count_under_lock(RemoteLocks& locks, int rounds) {
    Session& session = locks.session();
    for (int i = 0; i != rounds; ++i) {
        const RemoteLock lock = co_await locks.lock("/interop/lock");
        CHECK(lock);
        const Node node = co_await session.get("/interop/counter");
        co_await session.set("/interop/counter", std::to_string(std::stoi(node.data) + 1));
    }
}

Task<> count_and_close(test::WorldOn<UvPoller>& world, Session& session) {
    RemoteLocks locks(session);
    std::vector<Task<>> routines;
    for (int i = 0; i != 4; ++i) {
        routines.push_back(count_under_lock(locks, 50));
    }
    co_await execute_all(world.container, std::move(routines));
    co_await locks.all_left();
    co_await session.close();
}

}  // namespace

TEST_CASE("a session asks everything of servers in memory, whatever pieces the bytes come in") {
    const std::size_t pieces = GENERATE(1UL, 7UL, 100000UL);
    FakeWorld world(pieces, {.streams = {.most_at_once = pieces, .most_delay = 1ms}});
    Session session(world.scheduler, world.ensemble.options());
    Session other(world.scheduler, world.ensemble.options());
    world.run(converse_and_close(session, other));
    CHECK(world.ensemble.sessions() == 0);
    CHECK(world.ensemble.tree().nodes().size() == 1);
}

TEST_CASE("a session below a root sees that as '/'") {
    FakeWorld world;
    Session above(world.scheduler, world.ensemble.options());
    SessionOptions options = world.ensemble.options();
    options.root = "/apps/one";
    Session session(world.scheduler, options);
    Session other(world.scheduler, options);
    const auto test = [](Session& a, Session& s, Session& o) -> Task<> {
        co_await a.create_all("/apps/one");
        co_await s.sync("/");
        co_await converse(s, o);
        co_await s.create("/here");
        co_await a.sync("/");
        const Children listed = co_await a.children("/apps/one");
        CHECK(listed.names == std::vector<std::string>{"here"});
        co_await a.close();
        co_await s.close();
    };
    world.run(test(above, session, other));
}

TEST_CASE("a session asks everything of real servers", "[.real]") {
    test::WorldOn<UvPoller> world;
    Session session(world.scheduler, real_servers());
    Session other(world.scheduler, real_servers());
    const Ref<Routine> routine = world.container.start(converse_and_close(session, other));
    world.scheduler.run();
    CHECK(routine->ended());
    check_log(world.log);
}

TEST_CASE("sessions log in at a real server that requires it", "[.login]") {
    test::WorldOn<UvPoller> world;
    SessionOptions options = real_servers();
    Session nobody(world.scheduler, options);
    options.credentials = {{"sasl", "ann:a \"word\"? \xc3\xa4"}};
    Session ann(world.scheduler, options);
    options.credentials = {{"sasl", "bob:\xe2\x82\xac"}};
    Session bob(world.scheduler, options);
    options.credentials = {{"sasl", "bob:wrong"}};
    Session wrong(world.scheduler, options);
    const Ref<Routine> routine = world.container.start(log_in_as_ann(ann, bob, wrong, nobody));
    world.scheduler.run();
    CHECK(routine->ended());
    check_log(world.log);
}

TEST_CASE("four routines count two hundred under a lock of real servers", "[.locks]") {
    test::WorldOn<UvPoller> world;
    Session session(world.scheduler, real_servers());
    const Ref<Routine> routine = world.container.start(count_and_close(world, session));
    world.scheduler.run();
    CHECK(routine->ended());
    check_log(world.log);
}
