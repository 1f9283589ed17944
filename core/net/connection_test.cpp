#include "core/net/connection.h"

#include <numeric>

#include "core/wait/execute_all.h"
#include "tests/support/net.h"

using namespace weir;
using namespace weir::testing;

namespace {

// As in VLCP's test: messages of 1,000 bytes; each side sends ten in turn.
struct PacketEvent : Event {
    Index<Connection*> connection;
    static auto declare() {
        return declare_event<PacketEvent>("test.PacketEvent")
            .index("connection", &PacketEvent::connection)
            .blocking();
    }
};

class PacketProtocol final : public Protocol {
public:
    explicit PacketProtocol(bool answers) : answers_(answers) {}

    std::size_t parse(Connection& connection, const Input& input, Events& events) override {
        for (std::size_t n = input.bytes.size() / 1000; n != 0; --n) {
            events.push_back(make_event<PacketEvent>(&connection));
        }
        return input.bytes.size() / 1000 * 1000;
    }
    Output serialize(Connection&, ConnectionWriteEvent& event) override {
        return {std::string(1000, 'a'), event.end};
    }
    Task<> init(Connection& connection) override {
        connection.start(respond(connection, answers_));
        co_return;
    }

private:
    static Task<> respond(Connection& connection, bool answers) {
        const MatcherOf<PacketEvent> packets = match<PacketEvent>(&connection);
        if (answers) {
            Ref<PacketEvent> event = co_await packets;
            event->set_ignorable();
        }
        for (int n = 0; n != 9; ++n) {
            co_await connection.write(std::string());
            Ref<PacketEvent> event = co_await packets;
            event->set_ignorable();
        }
        co_await connection.write(std::string());
        if (!answers) {
            Ref<PacketEvent> event = co_await packets;
            event->set_ignorable();
        }
        connection.shutdown();
    }

    const bool answers_;
};

// Notes which connection received a packet, B for the clients. Requires that no other connects
// after each has received one.
Task<> note_packets(SocketServer& server, std::vector<Connection*> clients, std::string& notes) {
    const MatcherOf<PacketEvent> packets = match<PacketEvent>();
    std::vector<Connection*> unseen = clients;
    for (;;) {
        const Ref<PacketEvent> event = co_await packets;
        Connection* connection = event->connection;
        notes += std::count(clients.begin(), clients.end(), connection) != 0 ? 'B' : 'A';
        std::erase(unseen, connection);
        if (unseen.empty()) {
            server.stop_listening();
        }
    }
}

Task<> run_clients(SocketServer& server, std::vector<Client*> clients) {
    co_await server.listening();
    std::vector<Ref<Routine>> routines;
    for (Client* client : clients) {
        routines.push_back(client->start());
    }
    for (const Ref<Routine>& routine : routines) {
        while (!routine->ended()) {
            co_await do_events();
        }
    }
    CHECK(server.state() == SocketServer::State::paused);
    server.shutdown();
}

}  // namespace

TEST_CASE("a server and its clients take turns, and what is connected outlives the listening") {
    const auto clients_count = GENERATE(1, 2);
    World world;
    PacketProtocol asking(false);
    PacketProtocol answering(true);
    SocketServer server(world.scheduler, answering, world.socket());
    Client first(world.scheduler, asking, world.socket());
    Client second(world.scheduler, asking, world.socket());
    std::vector<Client*> clients{&first};
    if (clients_count == 2) {
        clients.push_back(&second);
    }
    std::string notes;
    world.container.start(note_packets(server, {clients.begin(), clients.end()}, notes),
                          {.daemon = true});
    server.start();
    world.run(run_clients(server, clients));
    if (clients_count == 1) {
        CHECK(notes == "ABABABABABABABABABAB");
    } else {
        CHECK(std::count(notes.begin(), notes.end(), 'A') == 20);
        CHECK(std::count(notes.begin(), notes.end(), 'B') == 20);
    }
    CHECK(server.state() == SocketServer::State::ended);
    CHECK(server.open() == 0);
    CHECK(server.received() == 10'000U * clients.size());
    CHECK(server.sent() == 10'000U * clients.size());
    CHECK(world.logged.empty());
}

namespace {

// A world with an echo server of lines as daemon, and a test that has a bare socket.
struct EchoWorld : World {
    explicit EchoWorld(ConnectionOptions options = {}, std::string address = "tcp://127.0.0.1:0")
        : protocol(std::move(options)), server(scheduler, protocol, address) {
        server.start({.name = "server", .daemon = true});
    }
    void start_echo() { container.start(echo_lines(), {.name = "echo", .daemon = true}); }

    LineProtocol protocol;
    SocketServer server;
};

using PeerTest = Task<> (*)(EchoWorld&, Peer&);

Task<> with_peer(EchoWorld& world, PeerTest test) {
    co_await world.server.listening();
    Peer peer(world.server.local());
    co_await test(world, peer);
}

void run(EchoWorld& world, PeerTest test) {
    world.run(with_peer(world, test));
}

}  // namespace

TEST_CASE("bytes become the same events wherever they are split") {
    EchoWorld world;
    world.start_echo();
    run(world, [](EchoWorld& w, Peer& peer) -> Task<> {
        const std::string text = "one\n\ntwo and a half\nx\n";
        std::string all;
        for (std::size_t split = 0; split <= text.size(); ++split) {
            peer.send(text.substr(0, split));
            const std::uint64_t goal = all.size() + split;
            while (w.server.received() < goal) {
                co_await do_events();
            }
            peer.send(text.substr(split));
            all += text;
            co_await peer.receive_until(all.size());
        }
        CHECK(peer.received == all);
    });
}

TEST_CASE("a message longer than the buffer makes it grow, up to its maximum") {
    EchoWorld world({.stream = {.buffer_size = 16, .max_buffer_size = 64}});
    world.start_echo();
    run(world, [](EchoWorld& w, Peer& peer) -> Task<> {
        const std::string longest(63, 'x');
        peer.send(longest + '\n');
        co_await peer.receive_until(64);
        CHECK(peer.received == longest + '\n');
        peer.send(longest + "y\n");
        co_await peer.receive_all();
        co_await w.protocol.reached("closed: protocol error");
        CHECK(peer.received.size() == 64);
        REQUIRE(w.logged.size() == 1);
        CHECK_THAT(w.logged[0], Catch::Contains("a message is longer than the largest buffer"));
    });
}

TEST_CASE("many small writes go out together and in order") {
    EchoWorld world;
    run(world, [](EchoWorld& w, Peer& peer) -> Task<> {
        co_await w.protocol.reached("init");
        std::string expected;
        for (int n = 0; n != 20'000; ++n) {
            std::string text = std::to_string(n) + ' ';
            expected += text;
            co_await w.protocol.last->write(std::move(text));
            peer.receive();
        }
        co_await peer.receive_until(expected.size());
        CHECK(peer.received == expected);
        CHECK(w.server.sent() == expected.size());
    });
}

TEST_CASE("a slow reader stops a fast sender, with bounded memory") {
    // Both sides are ours; the receiver's queue holds ten events, and no routine takes them.
    World world;
    LineProtocol sending;
    LineProtocol receiving({.stream = {.buffer_size = 4096}});
    SocketServer server(world.scheduler, receiving, world.socket());
    Client client(world.scheduler, sending, world.socket());
    Ref<Queue> lines =
        world.scheduler.queue().add("lines", 300, match<LineEvent>().make(), {.max_default = 10});
    server.start({.daemon = true});
    std::size_t written = 0;
    const auto write_on = [](LineProtocol& protocol, std::size_t& count) -> Task<> {
        co_await protocol.reached("init");
        for (bool open = true; open;) {
            open = co_await protocol.last->write(std::string(1000, 'x') + '\n');
            count += open ? 1 : 0;
        }
    };
    const auto test = [](SocketServer& s, Client& c, LineProtocol& protocol, Queue& queue,
                         std::size_t& count) -> Task<> {
        co_await s.listening();
        c.start({.daemon = true});
        co_await protocol.reached("init");
        Connection& receiver = *protocol.last;
        const auto bounded = [&] {
            return receiver.input_size() <= 4096 && c.output_size() < 64 * 1024 + 1001;
        };
        // Until nothing moves any more.
        for (std::size_t before = 1, still = 0; still != 200;) {
            still = before == count && receiver.reading_stopped() ? still + 1 : 0;
            before = count;
            REQUIRE(bounded());
            co_await do_events();
        }
        CHECK(receiver.input_size() == 4096);
        CHECK(c.output_size() >= 64 * 1024);
        CHECK(queue.size() <= 10);
        const std::size_t stopped_at = count;
        CHECK(stopped_at < 2000);  // what the kernel and the buffers hold
        // The reader goes on: so does the sender.
        const MatcherOf<LineEvent> received = match<LineEvent>();
        for (std::size_t n = 0; n != stopped_at + 5000; ++n) {
            Ref<LineEvent> event = co_await received;
            event->set_ignorable();
            REQUIRE(event->line.size() == 1000);
            REQUIRE(bounded());
        }
        CHECK(count > stopped_at + 4000);
    };
    world.container.start(write_on(sending, written), {.daemon = true});
    world.run(test(server, client, receiving, *lines, written));
}

TEST_CASE("a wait to write ends when the connection ends") {
    EchoWorld world;
    run(world, [](EchoWorld& w, Peer& peer) -> Task<> {
        co_await w.protocol.reached("init");
        struct Result {
            bool ended = false;
        } result;
        const auto write_on = [](Connection& connection, Result& told) -> Task<> {
            for (bool open = true; open;) {
                open = co_await connection.write(std::string(100'000, 'x'));
            }
            told.ended = true;
        };
        const Ref<Routine> writer = w.container.start(write_on(*w.protocol.last, result));
        for (int n = 0; n != 100; ++n) {
            co_await do_events();
        }
        CHECK_FALSE(result.ended);
        peer.reset();
        while (!result.ended) {
            co_await do_events();
        }
        co_await w.protocol.reached("final");
    });
    CHECK(world.scheduler.blocked_events().size() == 0);
}

TEST_CASE("a write for an earlier connect is dropped, and blocks no other write") {
    EchoWorld world;
    run(world, [](EchoWorld& w, Peer& peer) -> Task<> {
        co_await w.protocol.reached("init");
        Connection& connection = *w.protocol.last;
        CHECK(connection.connected());
        Ref<ConnectionWriteEvent> stale = make_event<ConnectionWriteEvent>(
            &connection, connection.mark() + 1, Ref<ConnectionIdentity>(), std::string("stale"));
        Ref<Event> event = stale;
        co_await send(std::move(event));
        co_await connection.write("new");
        co_await peer.receive_until(3);
        CHECK(peer.received == "new");
    });
}

TEST_CASE("the peer's end differs from a reset") {
    EchoWorld world;
    world.start_echo();
    SECTION("an end") {
        run(world, [](EchoWorld& w, Peer& peer) -> Task<> {
            peer.send("last\n");
            peer.end();
            co_await peer.receive_all();
            CHECK(peer.received == "last\n");
            CHECK(peer.error == 0);
            co_await w.protocol.reached("final");
            CHECK(w.protocol.ends_parsed == 1);
            CHECK(w.protocol.journal == std::vector<std::string>{"init", "input ended",
                                                                 "closed: closed by the peer",
                                                                 "final"});
        });
    }
    SECTION("a reset") {
        run(world, [](EchoWorld& w, Peer& peer) -> Task<> {
            peer.send("first\n");
            co_await peer.receive_until(6);
            peer.reset();
            co_await w.protocol.reached("final");
            CHECK(w.protocol.last_error == UV_ECONNRESET);
            CHECK(w.protocol.journal == std::vector<std::string>{"init", "error", "final"});
        });
    }
}

TEST_CASE("a peer that has only ended its half still gets the rest") {
    EchoWorld world;
    world.protocol.stays_half_closed = true;
    run(world, [](EchoWorld& w, Peer& peer) -> Task<> {
        peer.end();
        co_await w.protocol.reached("input ended");
        Connection& connection = *w.protocol.last;
        const std::string chunk(10'000, 'x');
        for (int n = 0; n != 200; ++n) {
            const bool written = co_await connection.write(chunk);
            CHECK(written);
            peer.receive();
        }
        const bool written = co_await connection.write("end", true);
        CHECK(written);
        co_await peer.receive_all();
        CHECK(peer.received.size() == 2'000'003);
        CHECK(peer.error == 0);
        co_await w.protocol.reached("closed: closed by the peer");
    });
}

TEST_CASE("a shutdown in order writes what was written before, and nothing later") {
    const auto address = GENERATE("tcp://127.0.0.1:0", "tcp://[::1]:0", "unix");
    EchoWorld world({}, std::string(address) == "unix" ? World().socket() : address);
    run(world, [](EchoWorld& w, Peer& peer) -> Task<> {
        co_await w.protocol.reached("init");
        Connection& connection = *w.protocol.last;
        const std::string chunk(1'000'000, 'x');
        for (int n = 0; n != 3; ++n) {
            const bool written = co_await connection.write(chunk);
            CHECK(written);
        }
        connection.shutdown();
        peer.send("this is dropped\n");
        while (co_await connection.write("too late")) {
            co_await do_events();
        }
        co_await peer.receive_until(3'000'000);
        CHECK(peer.received.find("too late", 3'000'000) == std::string::npos);
        co_await peer.receive_all();
        CHECK(peer.error == 0);
        CHECK(connection.connected());
        peer.close();
        co_await w.protocol.reached("closed: shut down");
    });
}

TEST_CASE("a peer that never closes is left when the shutdown time expires") {
    EchoWorld world({.shutdown_timeout = 20ms});
    run(world, [](EchoWorld& w, Peer& peer) -> Task<> {
        co_await w.protocol.reached("init");
        w.protocol.last->shutdown();
        co_await w.protocol.reached("closed: shut down");
        co_await peer.receive_all();
        CHECK(peer.error == 0);
    });
}

TEST_CASE("a shutdown by force and a reset do not wait for anybody") {
    EchoWorld world;
    SECTION("a shutdown by force is an end for the peer") {
        run(world, [](EchoWorld& w, Peer& peer) -> Task<> {
            co_await w.protocol.reached("init");
            w.protocol.last->shutdown(true);
            co_await w.protocol.reached("closed: shut down");
            co_await peer.receive_all();
            CHECK(peer.error == 0);
        });
    }
    SECTION("a reset is an error for the peer") {
        run(world, [](EchoWorld& w, Peer& peer) -> Task<> {
            co_await w.protocol.reached("init");
            w.protocol.last->reset();
            co_await w.protocol.reached("closed: reset");
            co_await peer.receive_all();
            CHECK(peer.error == ECONNRESET);
        });
    }
}

TEST_CASE("a connection that is silent for too long is closed") {
    EchoWorld world({.idle_timeout = 20ms});
    run(world, [](EchoWorld& w, Peer& peer) -> Task<> {
        co_await w.protocol.reached("closed: idle for too long");
        co_await peer.receive_all();
    });
}

TEST_CASE("keepalive is called again and again while nothing is received, or written") {
    const bool reading = GENERATE(true, false);
    EchoWorld world(reading ? ConnectionOptions{.keepalive_time = 5ms}
                            : ConnectionOptions{.write_keepalive_time = 5ms});
    run(world, [](EchoWorld& w, Peer&) -> Task<> {
        co_await w.protocol.reached("keepalive", 3);
        CHECK(w.server.open() == 1);
    });
}

TEST_CASE("options of TCP reach the socket") {
    EchoWorld world({.stream = {.tcp_keepalive = 60s}});
    run(world, [](EchoWorld& w, Peer&) -> Task<> {
        co_await w.protocol.reached("init");
        CHECK(w.protocol.last->local().text() == w.server.local().text());
        CHECK_THAT(w.protocol.last->remote().text(), Catch::StartsWith("tcp://127.0.0.1:"));
    });
}

TEST_CASE("a protocol that throws loses its connection and nothing else") {
    EchoWorld world;
    world.start_echo();
    run(world, [](EchoWorld& w, Peer& peer) -> Task<> {
        Peer other(w.server.local());
        peer.send("throw\n");
        co_await peer.receive_all();
        co_await w.protocol.reached("closed: protocol error");
        CHECK_THAT(w.logged.at(0),
                   Catch::Contains("'parse'") && Catch::Contains("a line that throws"));
        other.send("still here\n");
        co_await other.receive_until(11);
        CHECK(other.received == "still here\n");
    });
}

namespace {

class ThrowingProtocol final : public LineProtocol {
public:
    explicit ThrowingProtocol(std::string hook)
        : LineProtocol({.keepalive_time = 5ms}), hook_(std::move(hook)) {}

    Task<> init(Connection& connection) override {
        return throw_in("init", connection, LineProtocol::init(connection));
    }
    Task<> keepalive(Connection& connection) override {
        return throw_in("keepalive", connection, LineProtocol::keepalive(connection));
    }
    Task<> input_ended(Connection& connection) override {
        return throw_in("input_ended", connection, LineProtocol::input_ended(connection));
    }
    Task<> closed(Connection& connection, CloseReason reason) override {
        return throw_in("closed", connection, LineProtocol::closed(connection, reason));
    }
    Task<> final(Connection& connection) override {
        return throw_in("final", connection, LineProtocol::final(connection));
    }
    Output serialize(Connection& connection, ConnectionWriteEvent& event) override {
        if (hook_ == "serialize") {
            throw std::runtime_error("thrown");
        }
        return LineProtocol::serialize(connection, event);
    }

private:
    Task<> throw_in(std::string hook, Connection&, Task<> inherited) {
        co_await inherited;
        if (hook == hook_) {
            throw std::runtime_error("thrown");
        }
    }
    const std::string hook_;
};

Task<> drive(World& world, SocketServer& server, LineProtocol& protocol) {
    co_await server.listening();
    Peer peer(server.local());
    co_await protocol.reached("init");
    co_await protocol.reached("keepalive");
    peer.send("line\n");
    peer.end();
    co_await protocol.reached("final");
    CHECK(world.logged.size() == 1);
    while (server.open() != 0) {
        co_await do_events();
    }
}

Task<> drive_init(World& world, SocketServer& server, LineProtocol& protocol) {
    co_await server.listening();
    const Peer peer(server.local());
    co_await protocol.reached("final");
    CHECK(protocol.journal.at(1) == "closed: protocol error");
    CHECK(world.logged.size() == 1);
}

}  // namespace

TEST_CASE("whichever hook throws, the connection ends and is forgotten") {
    const std::string hook =
        GENERATE("keepalive", "input_ended", "closed", "final", "serialize", "init");
    World world;
    ThrowingProtocol protocol(hook);
    SocketServer server(world.scheduler, protocol, "tcp://127.0.0.1:0");
    server.start({.daemon = true});
    world.container.start(echo_lines(), {.daemon = true});
    world.run(hook == "init" ? drive_init(world, server, protocol)
                             : drive(world, server, protocol));
}

TEST_CASE("a connection that is destroyed leaves nothing behind") {
    World world;
    LineProtocol protocol;
    auto server = std::make_unique<SocketServer>(world.scheduler, protocol, "tcp://127.0.0.1:0");
    auto client = std::unique_ptr<Client>();
    server->start({.daemon = true});
    const auto test = [](World& w, LineProtocol& p, std::unique_ptr<SocketServer>& s,
                         std::unique_ptr<Client>& c) -> Task<> {
        co_await s->listening();
        c = std::make_unique<Client>(w.scheduler, p, s->local().text());
        c->start({.daemon = true});
        co_await p.reached("init", 2);
        for (int n = 0; n != 3; ++n) {
            co_await c->write(std::string(10'000'000, 'x'));
        }
        c.reset();
        s.reset();
        for (int n = 0; n != 10; ++n) {
            co_await do_events();
        }
    };
    world.run(test(world, protocol, server, client));
    CHECK(world.scheduler.blocked_events().size() == 0);
}

TEST_CASE("a scheduler that quits lets every connection end with its hooks") {
    EchoWorld world;
    run(world, [](EchoWorld& w, Peer&) -> Task<> {
        co_await w.protocol.reached("init");
        w.scheduler.quit();
        try {
            co_await sleep(10s);
        } catch (const QuitException&) {
        }
        co_await w.protocol.reached("final");
        CHECK(w.protocol.journal == std::vector<std::string>{"init", "closed: shut down", "final"});
    });
}

TEST_CASE("sockets need libuv, and say so") {
    UvPoller poller;
    Scheduler scheduler(poller);
    CHECK_NOTHROW(loop_of(scheduler));
}
