#include "core/net/socket_server.h"

#include <fstream>

#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/support/net.h"
#include "tests/support/sanitizer.h"

using namespace weir;
using namespace weir::testing;

namespace {

bool exists(const std::string& path) {
    struct stat file {};
    return lstat(path.c_str(), &file) == 0;
}

Task<> rounds(int count) {
    for (int n = 0; n != count; ++n) {
        co_await do_events();
    }
}

Task<> until_open(SocketServer& server, std::size_t count) {
    while (server.open() != count) {
        co_await do_events();
    }
}

}  // namespace

TEST_CASE("over the limit a server stops accepting, and accepts again when a connection ends") {
    World world;
    LineProtocol protocol;
    SocketServer server(world.scheduler, protocol, "tcp://127.0.0.1:0", {.max_connections = 2});
    server.start({.daemon = true});
    const auto test = [](SocketServer& s) -> Task<> {
        co_await s.listening();
        Peer first(s.local());
        const Peer second(s.local());
        Peer third(s.local());
        co_await until_open(s, 2);
        co_await rounds(100);
        CHECK(s.open() == 2);
        CHECK(s.accepted() == 2);
        first.close();
        while (s.accepted() != 3) {
            co_await do_events();
        }
        CHECK(s.open() == 2);
        CHECK(s.refused() == 0);
        CHECK(third.receive());
    };
    world.run(test(server));
}

TEST_CASE("a server that refuses closes connections over the limit at once") {
    World world;
    LineProtocol protocol;
    SocketServer server(world.scheduler, protocol, world.socket(),
                        {.max_connections = 1, .refuse = true});
    server.start({.daemon = true});
    const auto test = [](SocketServer& s) -> Task<> {
        co_await s.listening();
        Peer first(s.local());
        co_await until_open(s, 1);
        Peer second(s.local());
        co_await second.receive_all();
        CHECK(s.refused() == 1);
        CHECK(s.accepted() == 1);
        CHECK(first.receive());
        first.close();
        co_await until_open(s, 0);
        const Peer third(s.local());
        co_await until_open(s, 1);
    };
    world.run(test(server));
}

TEST_CASE("a protocol decides which peers are accepted, and by which protocol") {
    class Choosy final : public LineProtocol {
    public:
        Protocol* accept(SocketServer&, const SocketAddress&) override {
            return asked++ == 0 ? nullptr : &other;
        }
        LineProtocol other;
        int asked = 0;
    };
    World world;
    Choosy protocol;
    SocketServer server(world.scheduler, protocol, world.socket());
    server.start({.daemon = true});
    const auto test = [](SocketServer& s, Choosy& choosy) -> Task<> {
        co_await s.listening();
        Peer refused(s.local());
        co_await refused.receive_all();
        const Peer accepted(s.local());
        co_await choosy.other.reached("init");
        CHECK(s.refused() == 1);
        CHECK(s.accepted() == 1);
        CHECK(choosy.journal.empty());
    };
    world.run(test(server, protocol));
}

namespace {

// Connects a given number of sockets to a Unix socket.
class Crowd {
public:
    explicit Crowd(const SocketAddress& address) : address_(address) {}
    Crowd(const Crowd&) = delete;
    Crowd& operator=(const Crowd&) = delete;
    ~Crowd() { leave(sockets_.size()); }

    Task<> come(std::size_t count) {
        while (count != 0) {
            const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            REQUIRE(socket >= 0);
            while (::connect(socket, address_.data(), address_.size()) != 0) {
                REQUIRE(errno == EAGAIN);  // the backlog is full
                co_await do_events();
            }
            sockets_.push_back(socket);
            --count;
        }
    }
    // The first ones.
    void leave(std::size_t count) {
        for (std::size_t n = 0; n != count; ++n) {
            ::close(sockets_[n]);
        }
        sockets_.erase(sockets_.begin(), sockets_.begin() + static_cast<std::ptrdiff_t>(count));
    }
    std::size_t refused() const {
        std::size_t count = 0;
        char byte;
        for (const int socket : sockets_) {
            count += ::recv(socket, &byte, 1, 0) == 0 ? 1 : 0;
        }
        return count;
    }

private:
    const SocketAddress address_;
    std::vector<int> sockets_;
};

// How many connections, with both ends here, the limit of files leaves room for.
std::size_t room_for_connections(std::size_t wanted) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return std::min<std::size_t>(wanted, (limit.rlim_cur - 100) / 2);
}

}  // namespace

TEST_CASE("10,000 connections are accepted at the limit, and more are refused") {
    const bool refuse = GENERATE(true, false);
    const std::size_t limit = room_for_connections(10'000) * 4 / 5;
    const std::size_t more = limit / 4;
    World world;
    LineProtocol protocol;
    SocketServer server(world.scheduler, protocol, world.socket(),
                        {.max_connections = limit, .refuse = refuse});
    server.start({.daemon = true});
    const auto test = [](SocketServer& s, std::size_t most, std::size_t over,
                         bool refuses) -> Task<> {
        co_await s.listening();
        Crowd crowd(s.local());
        co_await crowd.come(most);
        co_await until_open(s, most);
        if (refuses) {
            co_await crowd.come(over);
            while (s.refused() != over) {
                co_await do_events();
            }
            CHECK(crowd.refused() == over);
            crowd.leave(over);
            co_await until_open(s, most - over);
        }
        CHECK(s.accepted() == most);
        // 10,000 in all: as many come as have left, or leave to make room.
        if (!refuses) {
            co_await crowd.come(std::min<std::size_t>(over, 1000));
            co_await rounds(20);
            CHECK(s.open() == most);
            crowd.leave(over);
            co_await crowd.come(over - std::min<std::size_t>(over, 1000));
        } else {
            co_await crowd.come(over);
        }
        while (s.accepted() != most + over) {
            co_await do_events();
        }
        CHECK(s.open() == most);
        CHECK(s.refused() == (refuses ? over : 0));
    };
    world.run(test(server, limit, more, refuse));
}

namespace {

class Talking final : public LineProtocol {
public:
    std::string refusal(SocketServer&) override { return "no room\n"; }
};

// Takes all file descriptors that the process may have, but for some.
class Hog {
public:
    explicit Hog(std::size_t left) {
        for (int file; (file = dup(0)) >= 0;) {
            files_.push_back(file);
        }
        for (; left != 0; --left) {
            leave_one();
        }
    }
    Hog(const Hog&) = delete;
    Hog& operator=(const Hog&) = delete;
    ~Hog() { release(); }

    void leave_one() {
        ::close(files_.back());
        files_.pop_back();
    }
    void release() {
        for (const int file : std::exchange(files_, {})) {
            ::close(file);
        }
    }

private:
    std::vector<int> files_;
};

void run_with_few_descriptors(World& world, Task<> test) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    const rlimit few{256, limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
    world.run(std::move(test));
    setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

TEST_CASE("a server without file descriptors refuses, says so once, and accepts again") {
    if (sanitizer_needs_files) {
        return;
    }
    World world;
    Talking protocol;
    SocketServer server(world.scheduler, protocol, world.socket());
    server.start({.daemon = true});
    const auto test = [](World& w, SocketServer& s) -> Task<> {
        co_await s.listening();
        Hog hog(3);
        Peer first(s.local());
        Peer second(s.local());
        co_await second.receive_all();
        CHECK(second.received == "no room\n");
        second.close();
        Peer third(s.local());
        co_await third.receive_all();
        CHECK(first.receive());  // the last descriptor was for it
        CHECK(third.received == "no room\n");
        CHECK(s.accepted() == 1);
        CHECK(s.refused() == 2);
        CHECK(w.logged == std::vector<std::string>{
                              "cannot accept connections at " + w.socket() +
                              ": too many open files (EMFILE); the limit of open files is 256; "
                              "refused 1 connection"});
        hog.release();
        const Peer fourth(s.local());
        co_await until_open(s, 2);
        CHECK(s.refused() == 2);
    };
    run_with_few_descriptors(world, test(world, server));
}

TEST_CASE("a server with not even a spare file descriptor accepts once there are some") {
    if (sanitizer_needs_files) {
        return;
    }
    World world;
    Talking protocol;
    SocketServer server(world.scheduler, protocol, world.socket());
    const auto test = [](World& w, SocketServer& s) -> Task<> {
        Hog hog(1);  // for the listening socket
        s.start({.daemon = true});
        co_await s.listening();
        hog.leave_one();
        Peer waiting(s.local());
        while (w.logged.empty()) {
            co_await do_events();
        }
        CHECK_THAT(w.logged[0], Catch::EndsWith("the limit of open files is 256"));
        CHECK(waiting.receive());
        CHECK(s.accepted() + s.refused() == 0);
        hog.release();
        co_await until_open(s, 1);
        CHECK(w.logged.size() == 1);
    };
    run_with_few_descriptors(world, test(world, server));
}

TEST_CASE("over its limit a server that refuses has last words, which unread input does not lose") {
    World world;
    Talking protocol;
    SocketServer server(world.scheduler, protocol, "tcp://127.0.0.1:0",
                        {.max_connections = 0, .refuse = true});
    server.start({.daemon = true});
    const auto test = [](SocketServer& s) -> Task<> {
        co_await s.listening();
        Peer peer(s.local());
        peer.send("hello\n");  // before the server has accepted it
        co_await peer.receive_all();
        CHECK(peer.received == "no room\n");
        CHECK(peer.error == 0);
        s.set_max_connections(1);
        const Peer welcome(s.local());
        co_await until_open(s, 1);
    };
    world.run(test(server));
}

TEST_CASE("a server at a name, or without host, listens at IPv4 and IPv6 with one port") {
    const std::string host = GENERATE("localhost", "");
    World world;
    LineProtocol protocol;
    SocketServer server(world.scheduler, protocol, "tcp://" + host + ":0");
    server.start({.daemon = true});
    const auto test = [](SocketServer& s) -> Task<> {
        co_await s.listening();
        const bool has_ipv6 = s.addresses().size() == 2;  // a machine may be without
        REQUIRE((has_ipv6 || s.addresses().size() == 1));
        const std::uint16_t port = s.local().port();
        const Peer by_ipv4(*SocketAddress::of_number("127.0.0.1", port));
        co_await until_open(s, 1);
        if (has_ipv6) {
            const Peer by_ipv6(*SocketAddress::of_number("::1", port));
            co_await until_open(s, 2);
        }
    };
    world.run(test(server));
}

TEST_CASE("a server that cannot listen at one of its addresses listens at none") {
    World world;
    LineProtocol protocol;
    Source source(world.scheduler);
    // At a port that is free at the other address, which another program could have taken.
    Listener::Owner in_the_way;
    std::string port;
    while (port.empty()) {
        try {
            in_the_way =
                Listener::listen(world.scheduler, *SocketAddress::of_number("::1", 0), source);
        } catch (const SocketError&) {
            return;  // a machine without IPv6
        }
        const std::uint16_t number = in_the_way->address().port();
        try {
            Listener::listen(world.scheduler, *SocketAddress::of_number("127.0.0.1", number),
                             source);
            port = std::to_string(number);
        } catch (const SocketError&) {
        }
    }
    SocketServer server(world.scheduler, protocol, "tcp://localhost:" + port, {.retry_listen = {}});
    server.start();
    const auto test = [](SocketServer& s) -> Task<> {
        CHECK_FALSE(co_await s.listening());
        CHECK(s.addresses().empty());
    };
    world.run(test(server));
    CHECK(server.error() ==
          "listening on tcp://[::1]:" + port + ": address already in use (EADDRINUSE)");
}

TEST_CASE("a server stops listening and starts again, and its connections stay") {
    World world;
    LineProtocol protocol;
    SocketServer server(world.scheduler, protocol, world.socket());
    server.start({.daemon = true});
    const auto test = [](World& w, SocketServer& s) -> Task<> {
        co_await s.listening();
        Peer first(s.local());
        co_await until_open(s, 1);
        s.stop_listening();
        const MatcherOf<ServerStateEvent> paused =
            match<ServerStateEvent>(&s, ServerStateEvent::State::paused);
        co_await paused;
        CHECK_FALSE(exists(w.folder));
        CHECK(first.receive());
        s.start_listening();
        co_await s.listening();
        const Peer second(s.local());
        co_await until_open(s, 2);
        CHECK(first.receive());
    };
    world.run(test(world, server));
}

TEST_CASE("a server that is shut down closes in order") {
    World world;
    LineProtocol protocol;
    SocketServer server(world.scheduler, protocol, world.socket());
    const Ref<Routine> routine = server.start();
    const auto test = [](World& w, SocketServer& s, LineProtocol& p) -> Task<> {
        co_await s.listening();
        Peer peer(s.local());
        co_await p.reached("init");
        const std::string last(1'000'000, 'x');
        co_await p.last->write(last);
        s.shutdown();
        const MatcherOf<ServerStateEvent> closing =
            match<ServerStateEvent>(&s, ServerStateEvent::State::closing);
        co_await closing;
        CHECK_FALSE(exists(w.folder));
        CHECK(s.open() == 1);
        co_await peer.receive_all();
        CHECK(peer.received.size() == last.size());
        CHECK(peer.error == 0);
        peer.close();
        co_await p.reached("final");
    };
    world.run(test(world, server, protocol));
    CHECK(routine->ended());
    CHECK(server.state() == SocketServer::State::ended);
    CHECK(protocol.journal == std::vector<std::string>{"init", "closed: shut down", "final"});
}

TEST_CASE(
    "a connection that does not end in time when the server is shut down is closed by force") {
    World world;
    LineProtocol protocol;
    SocketServer server(world.scheduler, protocol, world.socket(), {.shutdown_timeout = 20ms});
    server.start();
    const auto test = [](SocketServer& s, LineProtocol& p) -> Task<> {
        co_await s.listening();
        Peer peer(s.local());
        co_await p.reached("init");
        s.shutdown();
        co_await p.reached("closed: shut down");
        co_await peer.receive_all();
    };
    world.run(test(server, protocol));
    CHECK(server.open() == 0);
}

TEST_CASE("the file of a Unix socket is replaced only if no server listens on it") {
    World world;
    LineProtocol protocol;
    Source source(world.scheduler);
    const SocketAddress address = SocketAddress::of_unix(world.folder);
    SECTION("a file that was left behind is replaced, and removed at the end") {
        const int stale = ::socket(AF_UNIX, SOCK_STREAM, 0);
        REQUIRE(::bind(stale, address.data(), address.size()) == 0);
        ::close(stale);
        REQUIRE(exists(world.folder));
        {
            const auto listener = Listener::listen(world.scheduler, address, source);
            CHECK(exists(world.folder));
        }
        CHECK_FALSE(exists(world.folder));
    }
    SECTION("a file on which a server listens is not") {
        const auto listener = Listener::listen(world.scheduler, address, source);
        CHECK_THROWS_WITH(
            Listener::listen(world.scheduler, address, source),
            "listening on " + world.socket() + ": address already in use (EADDRINUSE)");
        CHECK(exists(world.folder));
    }
    SECTION("a file that is no socket is not") {
        std::ofstream(world.folder) << "precious";
        CHECK_THROWS_WITH(Listener::listen(world.scheduler, address, source),
                          "listening on " + world.socket() + ": file already exists (EEXIST)");
        CHECK(exists(world.folder));
        unlink(world.folder.c_str());
    }
    SECTION("a file that was replaced meanwhile is not removed") {
        auto listener = Listener::listen(world.scheduler, address, source);
        unlink(world.folder.c_str());
        std::ofstream(world.folder) << "another";
        listener.reset();
        CHECK(exists(world.folder));
        unlink(world.folder.c_str());
    }
}

TEST_CASE("a server that cannot listen tries again, or ends and says why") {
    World world;
    LineProtocol protocol;
    Source source(world.scheduler);
    auto other = Listener::listen(world.scheduler, SocketAddress::of_unix(world.folder), source);
    SECTION("it ends") {
        SocketServer server(world.scheduler, protocol, world.socket(), {.retry_listen = {}});
        server.start();
        const auto test = [](SocketServer& s) -> Task<> {
            const bool listens = co_await s.listening();
            CHECK_FALSE(listens);
        };
        world.run(test(server));
        CHECK(server.error() ==
              "listening on " + world.socket() + ": address already in use (EADDRINUSE)");
    }
    SECTION("it tries again") {
        SocketServer server(world.scheduler, protocol, world.socket(), {.retry_listen = 5ms});
        server.start({.daemon = true});
        const auto test = [](World& w, SocketServer& s, Listener::Owner& in_the_way) -> Task<> {
            while (w.logged.size() < 2) {
                co_await sleep(1ms);
            }
            in_the_way.reset();
            const bool listens = co_await s.listening();
            CHECK(listens);
            CHECK(s.error().empty());
        };
        world.run(test(world, server, other));
    }
}

TEST_CASE("a server counts what its connections move, also of those that have ended") {
    World world;
    LineProtocol protocol;
    SocketServer server(world.scheduler, protocol, "tcp://localhost:0");
    server.start({.daemon = true});
    world.container.start(echo_lines(), {.daemon = true});
    const auto test = [](SocketServer& s) -> Task<> {
        co_await s.listening();
        for (const int open : {0, 1}) {
            Peer peer(s.local());
            peer.send("12345\n");
            co_await peer.receive_until(6);
            CHECK(s.received() == 6U * static_cast<unsigned>(open + 1));
            CHECK(s.sent() == 6U * static_cast<unsigned>(open + 1));
            peer.close();
            co_await until_open(s, 0);
        }
        CHECK(s.received() == 12);
        CHECK(s.sent() == 12);
    };
    world.run(test(server));
}

TEST_CASE("a server whose routine is closed has ended") {
    World world;
    LineProtocol protocol;
    SocketServer server(world.scheduler, protocol, world.socket());
    const Ref<Routine> running = server.start({.daemon = true});
    const auto test = [](SocketServer& s, const Ref<Routine>& routine) -> Task<> {
        CHECK(co_await s.listening());
        routine->close();
        CHECK(s.state() == SocketServer::State::ended);
        CHECK_FALSE(co_await s.listening());
    };
    world.run(test(server, running));
}
