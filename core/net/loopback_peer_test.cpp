#include "core/net/loopback_peer.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace weir;

namespace {

constexpr uid_t nobody = 65'534;

class OpenSocket {
public:
    explicit OpenSocket(int number) : number_(number) { REQUIRE(number >= 0); }
    OpenSocket(const OpenSocket&) = delete;
    OpenSocket& operator=(const OpenSocket&) = delete;
    ~OpenSocket() { close(); }

    int number() const noexcept { return number_; }
    void close() noexcept {
        if (number_ >= 0) {
            ::close(number_);
            number_ = -1;
        }
    }

private:
    int number_;
};

// Makes sockets as another user.
class As {
public:
    explicit As(uid_t user) { REQUIRE(::seteuid(user) == 0); }
    As(const As&) = delete;
    As& operator=(const As&) = delete;
    ~As() { static_cast<void>(::seteuid(0)); }
};

SocketAddress address(const std::string& host, std::uint16_t port) {
    return SocketAddress::of_number(host, port).value();
}

// A connection within this machine: the peer connects to `host`, by `peer_host`, which may be the
// IPv6 form of the same address.
struct Connected {
    explicit Connected(const std::string& host = "127.0.0.1", const std::string& peer_host = {})
        : listener(listen(host)),
          peer(connect(peer_host.empty() ? host : peer_host,
                       SocketAddress::local(listener.number()).port())),
          accepted(::accept4(listener.number(), nullptr, nullptr, SOCK_CLOEXEC)) {}

    std::optional<uid_t> user() const {
        return loopback_peer_user(SocketAddress::local(accepted.number()),
                                  SocketAddress::remote(accepted.number()));
    }

    OpenSocket listener;
    OpenSocket peer;
    OpenSocket accepted;

private:
    static int listen(const std::string& host) {
        const SocketAddress where = address(host, 0);
        const int socket = ::socket(where.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
        REQUIRE(::bind(socket, where.data(), where.size()) == 0);
        REQUIRE(::listen(socket, 1) == 0);
        return socket;
    }
    static int connect(const std::string& host, std::uint16_t port) {
        const SocketAddress where = address(host, port);
        const int socket = ::socket(where.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
        REQUIRE(::connect(socket, where.data(), where.size()) == 0);
        return socket;
    }
};

}  // namespace

TEST_CASE("the kernel tells the user at the other end of a loopback connection") {
    CHECK(Connected("127.0.0.1").user() == geteuid());
    CHECK(Connected("127.1.2.3").user() == geteuid());
    CHECK(Connected("::1").user() == geteuid());
}

TEST_CASE("an IPv4 connection may be one of IPv6 sockets, at either end") {
    CHECK(Connected("127.0.0.1", "::ffff:127.0.0.1").user() == geteuid());
    CHECK(Connected("::ffff:127.0.0.1", "127.0.0.1").user() == geteuid());
    CHECK(Connected("::ffff:127.0.0.1").user() == geteuid());
}

TEST_CASE("the peer is the user that made its socket") {
    if (geteuid() != 0) {
        WARN("only root can act as another user");
        return;
    }
    const auto of_nobody = [](const std::string& host) {
        const As other(nobody);
        return std::make_unique<Connected>(host);
    };
    const auto v4 = of_nobody("127.0.0.1");
    const auto v6 = of_nobody("::1");
    CHECK(v4->user() == nobody);
    CHECK(v6->user() == nobody);
    // For a closed socket the kernel names root: it is unknown.
    v4->peer.close();
    CHECK_FALSE(v4->user());
}

TEST_CASE("a peer that has ended its output is known, and one that is gone is not") {
    Connected connected;
    REQUIRE(::shutdown(connected.peer.number(), SHUT_WR) == 0);
    CHECK(connected.user() == geteuid());
    connected.peer.close();
    CHECK_FALSE(connected.user());
}

TEST_CASE("a peer that is not a connected socket of this machine is unknown") {
    const Connected connected;
    const SocketAddress local = SocketAddress::local(connected.accepted.number());
    const SocketAddress remote = SocketAddress::remote(connected.accepted.number());
    const SocketAddress none = SocketAddress();
    CHECK_FALSE(loopback_peer_user(local, local));
    CHECK_FALSE(loopback_peer_user(remote, remote));
    CHECK_FALSE(loopback_peer_user(none, none));
    CHECK_FALSE(loopback_peer_user(local, none));
    CHECK_FALSE(loopback_peer_user(local, SocketAddress::of_unix("/tmp/x")));
    CHECK_FALSE(loopback_peer_user(local, address("::1", remote.port())));
    CHECK_FALSE(loopback_peer_user(local, address("192.0.2.1", remote.port())));
    CHECK_FALSE(loopback_peer_user(address("192.0.2.1", local.port()), remote));
    CHECK_FALSE(loopback_peer_user(local, address("127.0.0.2", remote.port())));
    // The kernel takes the listener for the source, where there is no connection.
    CHECK_FALSE(loopback_peer_user(remote.with_port(1), local));
    CHECK_FALSE(loopback_peer_user(address("127.0.0.1", 1), local));
}
