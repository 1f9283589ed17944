#include "core/net/handed_sockets.h"

#include <array>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/net/listener.h"
#include "core/net/socket_error.h"
#include "tests/support/net.h"

namespace weir {

namespace {

// Two sockets whose numbers follow each other, as a supervisor hands them over: one that listens at
// a port of TCP, and a bound one for datagrams.
class Handed {
public:
    Handed() {
        const int stream = ::socket(AF_INET, SOCK_STREAM, 0);
        bind(stream);
        REQUIRE(::listen(stream, 16) == 0);
        const int datagrams = ::socket(AF_INET, SOCK_DGRAM, 0);
        bind(datagrams);
        // Numbers far above those that anything else opens.
        first = ::fcntl(stream, F_DUPFD, 200);
        REQUIRE(::dup2(datagrams, first + 1) == first + 1);
        ::close(stream);
        ::close(datagrams);
    }
    Handed(const Handed&) = delete;
    Handed& operator=(const Handed&) = delete;
    ~Handed() {
        ::close(first);
        ::close(first + 1);
    }

    int first = -1;

private:
    static void bind(int socket) {
        const SocketAddress any = SocketAddress::of_number("127.0.0.1", 0).value();
        REQUIRE(::bind(socket, any.data(), any.size()) == 0);
    }
};

std::string error_of(const HandedSockets& sockets, const std::string& name) {
    try {
        sockets.named(name);
    } catch (const SocketError& error) {
        return error.what();
    }
    return "no error";
}

const std::string own_process = std::to_string(::getpid());

}  // namespace

TEST_CASE("sockets of the supervisor are found by their names") {
    const Handed handed;
    const HandedSockets sockets(own_process.c_str(), "2", "web:dns", handed.first);
    REQUIRE(sockets.all().size() == 2);
    const std::vector<HandedSocket> web = sockets.named("web");
    REQUIRE(web.size() == 1);
    CHECK(web[0].descriptor == handed.first);
    CHECK(web[0].address == SocketAddress::local(handed.first));
    CHECK(sockets.at(web[0].address)->name == "web");
    CHECK(sockets.at(SocketAddress::of_number("127.0.0.1", 1).value()) == nullptr);
    CHECK((::fcntl(handed.first, F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("a name that no socket has, or one that does not listen, is refused with the reason") {
    const Handed handed;
    const HandedSockets sockets(own_process.c_str(), "2", "web:dns", handed.first);
    CHECK(error_of(sockets, "wbe") ==
          "listening on systemd:wbe: the supervisor has handed over no socket of that name, but "
          "'web', 'dns'");
    CHECK_THAT(error_of(sockets, "dns"),
               Catch::Contains(" is no socket that listens for streams (ListenStream= without "
                               "Accept=yes)"));
    const HandedSockets none(nullptr, nullptr, nullptr);
    CHECK(error_of(none, "web") ==
          "listening on systemd:web: the supervisor has handed over no socket of that name");
}

TEST_CASE("sockets without names have that of systemd, and wrong variables hand over none") {
    const Handed handed;
    CHECK(HandedSockets(own_process.c_str(), "1", nullptr, handed.first).all()[0].name ==
          "unknown");
    CHECK(HandedSockets(own_process.c_str(), "-1", "a").all().empty());
    CHECK(HandedSockets(own_process.c_str(), "two", "a").all().empty());
    CHECK(HandedSockets("1", "2", "web:dns", handed.first).all().empty());
    CHECK(HandedSockets(nullptr, "2", "web:dns", handed.first).all().empty());
}

TEST_CASE("a listener takes a duplicate: clients wait while none is there") {
    testing::World w;
    const Handed handed;
    const HandedSockets sockets(own_process.c_str(), "1", "web", handed.first);
    Source source(w.scheduler);
    const HandedSocket web = sockets.named("web")[0];
    testing::Peer early(web.address);
    for (int round = 0; round != 2; ++round) {
        const Listener::Owner listener = Listener::adopt(w.scheduler, web, source);
        CHECK(listener->address() == web.address);
        const testing::Peer peer(web.address);
        const int accepted = listener->accept();
        CHECK(accepted >= 0);
        ::close(accepted);
    }
}

}  // namespace weir
