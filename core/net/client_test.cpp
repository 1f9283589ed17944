#include "core/net/client.h"

#include "tests/support/net.h"

using namespace weir;
using namespace weir::testing;

namespace {

std::optional<Duration> soon(std::size_t) {
    return Duration(1ms);
}

Task<> until_ended(Ref<Routine> routine) {
    while (!routine->ended()) {
        co_await do_events();
    }
}

// A TCP address at which no server listens.
std::string closed_address(Scheduler& scheduler) {
    Source source(scheduler);
    const auto listener =
        Listener::listen(scheduler, *SocketAddress::of_number("127.0.0.1", 0), source);
    return listener->address().text();
}

}  // namespace

TEST_CASE("the standard backoff doubles, then grows by half a minute up to five minutes") {
    std::vector<std::int64_t> seconds;
    for (std::size_t n = 0; n != 16; ++n) {
        seconds.push_back(
            std::chrono::duration_cast<std::chrono::seconds>(*standard_backoff(n)).count());
    }
    CHECK(seconds == std::vector<std::int64_t>{1, 2, 4, 8, 16, 32, 62, 92, 122, 152, 182, 212, 242,
                                               272, 300, 300});
}

TEST_CASE("a client connects by name, and its mark and addresses are there") {
    World world;
    LineProtocol protocol;
    LineProtocol of_server;
    SocketServer server(world.scheduler, of_server, "tcp://localhost:0");
    server.start({.daemon = true});
    const auto test = [](World& w, SocketServer& s, LineProtocol& p) -> Task<> {
        co_await s.listening();
        Client client(w.scheduler, p, "tcp://localhost:" + std::to_string(s.local().port()));
        CHECK(client.mark() == 0);
        CHECK_FALSE(client.connected());
        const bool too_early = co_await client.write("too early");
        CHECK_FALSE(too_early);
        client.start();
        co_await p.reached("init");
        CHECK(client.connected());
        CHECK(client.mark() != 0);
        CHECK(client.remote().text() == s.local().text());
        client.shutdown();
        co_await p.reached("final");
        const bool too_late = co_await client.write("too late");
        CHECK_FALSE(too_late);
    };
    world.run(test(world, server, protocol));
}

TEST_CASE("a client that cannot connect and does not persist says so and ends") {
    World world;
    LineProtocol protocol;
    const auto test = [](World& w, LineProtocol& p, std::string address, int error) -> Task<> {
        Client client(w.scheduler, p, address);
        const Ref<Routine> routine = client.start();
        co_await p.reached("not connected");
        co_await until_ended(routine);
        CHECK(p.last_error == error);
        CHECK(p.journal == std::vector<std::string>{"not connected"});
    };
    SECTION("no server listens") {
        world.run(test(world, protocol, closed_address(world.scheduler), UV_ECONNREFUSED));
    }
    SECTION("there is no such file") {
        world.run(test(world, protocol, world.socket(), UV_ENOENT));
    }
}

TEST_CASE("a client gives up when the connect timeout expires") {
    World world;
    LineProtocol protocol({.connect_timeout = 30ms});
    // A backlog that is full does not answer.
    const int full = ::socket(AF_INET, SOCK_STREAM, 0);
    const SocketAddress local = *SocketAddress::of_number("127.0.0.1", 0);
    REQUIRE(::bind(full, local.data(), local.size()) == 0);
    REQUIRE(::listen(full, 0) == 0);
    const SocketAddress address = SocketAddress::local(full);
    std::vector<int> waiting;
    for (int n = 0; n != 4; ++n) {
        waiting.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
        ::connect(waiting.back(), address.data(), address.size());
    }
    Client client(world.scheduler, protocol, address.text());
    client.start({.daemon = true});
    world.run(protocol.reached("not connected"));
    CHECK(protocol.last_error == UV_ETIMEDOUT);
    waiting.push_back(full);
    for (const int socket : waiting) {
        ::close(socket);
    }
}

TEST_CASE("a client that persists connects again, with another mark, until it is shut down") {
    World world;
    LineProtocol protocol({.persist = true, .backoff = soon});
    LineProtocol of_server;
    Client client(world.scheduler, protocol, world.socket());
    SocketServer server(world.scheduler, of_server, world.socket());
    const auto test = [](Client& c, SocketServer& s, LineProtocol& p,
                         LineProtocol& other) -> Task<> {
        const Ref<Routine> routine = c.start();
        // There is no server yet.
        co_await sleep(5ms);
        s.start({.daemon = true});
        co_await p.reached("init");
        const std::uint64_t first = c.mark();
        co_await other.reached("init");
        other.last->shutdown(true);
        co_await p.reached("reconnected");
        CHECK(c.mark() != first);
        CHECK(c.connected());
        co_await other.reached("init", 2);
        other.last->reset();
        co_await p.reached("reconnected", 2);
        c.reconnect();
        co_await p.reached("reconnected", 3);
        c.shutdown();
        co_await p.reached("final");
        CHECK(p.connected == 1);
        co_await until_ended(routine);
    };
    world.run(test(client, server, protocol, of_server));
}

TEST_CASE("a shutdown ends the wait for the next try, and a backoff that ends the tries") {
    World world;
    SECTION("a shutdown") {
        LineProtocol protocol({.persist = true});
        Client client(world.scheduler, protocol, closed_address(world.scheduler));
        const auto test = [](Client& c) -> Task<> {
            const Ref<Routine> routine = c.start();
            co_await sleep(5ms);
            c.shutdown();
            co_await until_ended(routine);
        };
        world.run(test(client));
        CHECK(protocol.journal.empty());
    }
    SECTION("a backoff that ends") {
        LineProtocol protocol({.persist = true, .backoff = [](std::size_t n) {
                                   return n < 3 ? soon(n) : std::nullopt;
                               }});
        Client client(world.scheduler, protocol, closed_address(world.scheduler));
        client.start();
        world.run(protocol.reached("not connected"));
        CHECK(protocol.last_error == UV_ECONNREFUSED);
    }
}

TEST_CASE(
    "a client that is destroyed while its name is looked up or it connects leaves nothing behind") {
    World world;
    LineProtocol protocol;
    const std::string address =
        GENERATE("tcp://localhost:1", "tcp://127.0.0.1:1", "unix:/nowhere/to/be/found");
    const auto test = [](World& w, LineProtocol& p, std::string to) -> Task<> {
        {
            Client client(w.scheduler, p, to);
            client.start();
            co_await do_events();
        }
        co_await sleep(5ms);
    };
    world.run(test(world, protocol, address));
}
