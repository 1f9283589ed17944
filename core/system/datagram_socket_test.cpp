#include "core/system/datagram_socket.h"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

#include <catch2/catch.hpp>

#include "core/run/container.h"
#include "core/run/uv_poller.h"
#include "core/simulation/simulation.h"
#include "core/wait/future.h"
#include "core/wait/timeout.h"
#include "tests/support/world_on.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using World = test::WorldOn<UvPoller>;

const SocketAddress any_port = SocketAddress::of_number("127.0.0.1", 0).value();

// Answers so many datagrams with what they say, twice.
Task<> answer(DatagramSocket& socket, int count) {
    for (int i = 0; i != count; ++i) {
        const Datagram question = co_await socket.receive();
        co_await socket.send(question.bytes + question.bytes, question.sender);
    }
}

Task<> ask(DatagramSocket& socket, std::string text, std::string& answer) {
    co_await socket.send(std::move(text));
    answer = (co_await socket.receive()).bytes;
}

}  // namespace

TEST_CASE("datagrams are sent, received and answered") {
    World world;
    const auto [address, text] =
        GENERATE(std::pair(SocketAddress::of_number("127.0.0.1", 0).value(), std::string("udp")),
                 std::pair(SocketAddress::of_number("::1", 0).value(), std::string()));
    DatagramSocket server(world.scheduler, address);
    DatagramSocket client = DatagramSocket::connected(world.scheduler, server.address());
    std::string first;
    world.container.start(answer(server, 1));
    world.container.start(ask(client, text, first));
    world.scheduler.run();
    CHECK(first == text + text);
    CHECK(server.dropped() == 0);
}

TEST_CASE("datagrams pass through Unix sockets") {
    World world;
    std::string folder = std::filesystem::temp_directory_path().string() + "/weir_datagram.XXXXXX";
    REQUIRE(::mkdtemp(folder.data()) != nullptr);
    const SocketAddress here = SocketAddress::of_unix(folder + "/socket");
    DatagramSocket server(world.scheduler, here);
    DatagramSocket client = DatagramSocket::connected(world.scheduler, here);
    std::string received;
    const auto receive = [](DatagramSocket& socket, std::string& bytes) -> Task<> {
        bytes = (co_await socket.receive()).bytes;
    };
    world.container.start(receive(server, received));
    world.container.start(client.send("READY=1"));
    world.scheduler.run();
    CHECK(received == "READY=1");
    std::filesystem::remove_all(folder);
}

TEST_CASE("a datagram that is longer than allowed is cut, and says so") {
    World world;
    DatagramSocket server(world.scheduler, any_port, {.longest = 5});
    DatagramSocket client = DatagramSocket::connected(world.scheduler, server.address());
    const auto work = [](DatagramSocket& from, DatagramSocket& to) -> Task<> {
        co_await from.send("123456");
        co_await from.send("12345");
        const Datagram cut = co_await to.receive();
        CHECK(cut.bytes == "12345");
        CHECK(cut.cut);
        // Catch2 would evaluate an await in its macro twice.
        const Datagram whole = co_await to.receive();
        CHECK_FALSE(whole.cut);
    };
    world.container.start(work(client, server));
    world.scheduler.run();
    CHECK(world.log.empty());
}

TEST_CASE("datagrams for which there was no room are counted") {
    World world;
    DatagramSocket server(world.scheduler, any_port);
    DatagramSocket client = DatagramSocket::connected(world.scheduler, server.address());
    const auto work = [](DatagramSocket& from, DatagramSocket& to) -> Task<> {
        constexpr int sent = 2000;
        for (int i = 0; i != sent; ++i) {
            co_await from.send(std::string(1000, 'x'));
        }
        int received = 0;
        while (co_await execute_with_timeout(20ms, to.receive())) {
            ++received;
        }
        // The system reports the dropped datagrams with a later one.
        co_await from.send("last");
        const Datagram last = co_await to.receive();
        CHECK(last.bytes == "last");
        CHECK(to.dropped() == static_cast<std::uint64_t>(sent - received));
        CHECK(received < sent);
    };
    world.container.start(work(client, server));
    world.scheduler.run();
    CHECK(world.log.empty());
}

TEST_CASE("a datagram to a port where no socket receives is an error of a connected socket") {
    World world;
    SocketAddress nobody;
    {
        const DatagramSocket closed(world.scheduler, any_port);
        nobody = closed.address();
    }
    DatagramSocket client = DatagramSocket::connected(world.scheduler, nobody);
    std::string received;
    RoutineFuture<> asked(world.container, ask(client, "hello", received));
    world.scheduler.run();
    CHECK_THROWS_WITH(asked.result(), Catch::Contains("connection refused (ECONNREFUSED)"));
}

TEST_CASE("datagrams come to all sockets that have joined a group") {
    World world;
    const SocketAddress group = SocketAddress::of_number("239.255.77.77", 0).value();
    DatagramSocket one(world.scheduler, SocketAddress::of_number("0.0.0.0", 0).value(),
                       {.shared = true});
    try {
        one.join(group);
    } catch (const SocketError& error) {
        WARN("no multicast on this machine: " << error.what());
        return;
    }
    CHECK_THROWS_WITH(one.join(group), Catch::Contains("joining udp://239.255.77.77:0: "));
}

TEST_CASE("an address that cannot be bound is an error that names it") {
    World world;
    const DatagramSocket first(world.scheduler, any_port);
    CHECK_THROWS_WITH(DatagramSocket(world.scheduler, first.address()),
                      "binding to udp" + first.address().text().substr(3) +
                          ": address already in use (EADDRINUSE)");
    test::WorldOn<Simulation> simulated;
    CHECK_THROWS_AS(DatagramSocket(simulated.scheduler, any_port), std::logic_error);
}

}  // namespace weir
