// Clients that ask for much, or are many, and those beside them.

#include <algorithm>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "core/base/sanitizer.h"
#include "core/net/socket_server.h"
#include "modules/lock/table.h"
#include "modules/resp/protocol.h"
#include "tests/support/resp_world.h"

using namespace weir;
using namespace weir::resp;
using weir::testing::Lockd;
using weir::testing::RespPeer;
using namespace std::chrono_literals;

namespace {

Task<> hold_locks(RespPeer& holder, std::size_t count) {
    for (std::size_t i = 1; i <= count; ++i) {
        co_await holder.ask("TRYLOCK key" + std::to_string(i), ":" + std::to_string(i) + "\r\n");
    }
}

// A request is read and its answer is written by polls, each 16 rounds after the last one at most,
// sooner if these took long; and each round carries out one long command of all clients.
Task<> ask_beside_listers(Lockd& lockd, std::string request) {
    RespPeer holder(lockd);
    co_await hold_locks(holder, LongWork::per_round);
    std::list<RespPeer> listers;
    std::string requests;
    std::string answers;
    for (int i = 0; i != 20; ++i) {
        requests += request + "\r\n";
        answers += "*0\r\n";
    }
    for (int i = 0; i != 60; ++i) {
        co_await listers.emplace_back(lockd).ask("PING", "+PONG\r\n");
    }
    for (RespPeer& lister : listers) {
        lister.send(requests);
    }
    while (lockd.protocol.long_work()->waiting() != listers.size()) {
        co_await do_events();
    }
    for (int i = 0; i != 10; ++i) {
        const std::uint64_t before = lockd.protocol.commands();
        co_await holder.ask("PING", "+PONG\r\n");
        CHECK(lockd.protocol.commands() - before <= 2 * 16 + 4);
    }
    for (RespPeer& lister : listers) {
        co_await lister.expect(answers);
    }
}

// Clients that end while they are listed are missing or there, and all others are there once.
Task<> list_while_clients_leave(Lockd& lockd) {
    RespPeer lister(lockd);
    co_await lister.ask("PING", "+PONG\r\n");
    std::vector<std::unique_ptr<RespPeer>> clients;
    const std::size_t count = 2 * LongWork::per_round + 10;
    while (clients.size() != count) {
        co_await clients.emplace_back(std::make_unique<RespPeer>(lockd))->ask("PING", "+PONG\r\n");
    }
    lister.send("CLIENT LIST\r\n");
    while (lockd.protocol.long_work()->waiting() == 0) {
        co_await do_events();
    }
    // The next one, its neighbour, and the last; and one that comes meanwhile.
    for (const std::size_t gone : {LongWork::per_round - 1, LongWork::per_round, count - 1}) {
        clients[gone].reset();
    }
    clients.push_back(std::make_unique<RespPeer>(lockd));
    co_await lockd.until_clients(count - 1);
    std::string& listed = lister.peer().received;
    while (!listed.ends_with("\n\r\n")) {
        lister.peer().receive();
        co_await do_events();
    }
    std::vector<std::uint64_t> ids;
    for (std::size_t at = listed.find("id="); at != std::string::npos;
         at = listed.find("\nid=", at)) {
        ids.push_back(std::stoull(listed.substr(listed.find('=', at) + 1)));
        ++at;
    }
    CHECK(std::ranges::is_sorted(ids));
    CHECK(std::ranges::adjacent_find(ids) == ids.end());
    CHECK(ids.front() == 1);
    CHECK(ids.back() == count);
    CHECK(ids.size() >= count - 2);
    CHECK(ids.size() <= count);
}

Task<> long_names(Lockd& lockd) {
    RespPeer client(lockd);
    const std::string longest(256, 'x');
    const std::string refused = "-ERR a client's name cannot be longer than 256 bytes\r\n";
    co_await client.ask("CLIENT SETNAME " + longest, "+OK\r\n");
    co_await client.ask("CLIENT SETNAME " + longest + "y", refused);
    co_await client.ask("HELLO 2 SETNAME " + longest + "y", refused);
    co_await client.ask("CLIENT GETNAME", "$256\r\n" + longest + "\r\n");
}

// What clients wait for is theirs to choose, too.
Task<> long_waits(Lockd& lockd) {
    RespPeer holder(lockd);
    const std::string key(4000, 'k');
    co_await holder.ask("TRYLOCK " + key, ":1\r\n");
    RespPeer waiter(lockd);
    waiter.send("LOCK " + key + "\r\n");
    co_await lockd.until_waiting(1);
    holder.send("CLIENT LIST\r\n");
    co_await holder.peer().receive_until(100);
    CHECK_THAT(holder.peer().received, Catch::Contains("waiting=lock_kkkk"));
    CHECK(holder.peer().received.size() < 1000);
}

Task<> long_watches(Lockd& lockd) {
    RespPeer client(lockd);
    const std::string refused =
        "-ERR the watches of this client would have more than 16384 bytes\r\n";
    co_await client.ask("WATCH test.Tick clock=" + std::string(17'000, 'x'), refused);
    for (const char letter : {'a', 'b', 'c'}) {
        client.send("WATCH test.Tick clock=" + std::string(5000, letter) + "\r\n");
        co_await client.peer().receive_until(5000);
        CHECK_THAT(client.peer().received, Catch::StartsWith("*3\r\n$5\r\nwatch\r\n"));
        client.peer().received.clear();
    }
    co_await client.ask("WATCH test.Tick clock=" + std::string(5000, 'd'), refused);
}

Task<> long_request_before_login(Lockd& lockd) {
    RespPeer client(lockd);
    co_await client.ask("ECHO " + std::string(17'000, 'x'),
                        "-ERR an argument of 17000 bytes, at most 16384 are allowed\r\n");
    // What follows a login in the same bytes is that of a user.
    client.send("AUTH secret\r\nECHO " + std::string(17'000, 'x') + "\r\n");
    co_await client.expect("+OK\r\n$17000\r\n" + std::string(17'000, 'x') + "\r\n");
}

// Two doors: the Unix socket of the owner, and a port for strangers.
struct TwoDoors : Lockd {
    explicit TwoDoors(RespSettings with) : Lockd(std::move(with)) {
        port.start({.name = "port", .daemon = true});
    }
    Task<> open() {
        co_await port.listening();
        protocol.set_doors(
            {{server.addresses(), {}, {"admin"}}, {port.addresses(), {"guest"}, {}}});
    }

    SocketServer port{scheduler, protocol, "tcp://127.0.0.1:0"};
};

Task<> come_from_one_address(TwoDoors& lockd) {
    co_await lockd.open();
    const std::string refused =
        "-ERR max number of clients from this address reached (max_clients_per_address)\r\n";
    RespPeer first(lockd.port);
    co_await first.ask("PING", "+PONG\r\n");
    auto second = std::make_unique<RespPeer>(lockd.port);
    co_await second->ask("PING", "+PONG\r\n");
    RespPeer third(lockd.port);
    const std::string answer = co_await third.until_closed();
    CHECK(answer == refused);
    RespPeer local(lockd);
    co_await local.ask("PING", "+PONG\r\n");
    // One that has gone makes room.
    second.reset();
    co_await lockd.until_clients(2);
    RespPeer next(lockd.port);
    co_await next.ask("PING", "+PONG\r\n");
}

// Clients that list and do not read: their replies in memory stay bounded together.
[[maybe_unused]] Task<> leave_replies_unread(TwoDoors& lockd) {
    co_await lockd.open();
    RespPeer holder(lockd);
    for (int i = 1; i <= 250; ++i) {
        co_await holder.ask("TRYLOCK " + std::to_string(i) + std::string(4000, 'x'),
                            ":" + std::to_string(i) + "\r\n");
    }
    for (int i = 1; i <= 10; ++i) {
        co_await holder.ask("TRYLOCK " + std::to_string(i), ":" + std::to_string(250 + i) + "\r\n");
    }
    std::list<RespPeer> listers;
    const auto begin = [&](const char* requests) -> Task<> {
        RespPeer& lister = listers.emplace_back(lockd.port);
        lister.peer().keep_little();
        co_await lister.ask("PING", "+PONG\r\n");
        lister.send(requests);
    };
    for (int i = 0; i != 100; ++i) {
        // The first ones may be in buffers of the system.
        co_await begin("LOCKS\r\nLOCKS\r\nLOCKS\r\nLOCKS\r\nLOCKS\r\nLOCKS\r\nLOCKS\r\n");
    }
    while (lockd.protocol.long_work()->waiting() != 0) {
        co_await do_events();
    }
    std::size_t unread = 0;
    for (const Session& session : lockd.protocol.sessions()) {
        unread += session.connection().output_size();
    }
    CHECK(unread > std::size_t{16} << 20);
    CHECK(unread < std::size_t{40} << 20);
    co_await begin("LOCKS\r\nPING\r\n");
    co_await listers.back().expect(
        "-ERR the clients of this address leave more than 32 MiB of replies unread\r\n+PONG\r\n");
    holder.send("LOCKS 1xxxx*\r\n");  // another source
    co_await holder.peer().receive_until(4000);
    CHECK_THAT(holder.peer().received, Catch::StartsWith("*1\r\n"));
}

Task<> come_in_when_all_is_taken(TwoDoors& lockd) {
    co_await lockd.open();
    RespPeer first(lockd.port);
    co_await first.ask("PING", "+PONG\r\n");
    RespPeer second(lockd.port);
    co_await second.ask("PING", "+PONG\r\n");
    RespPeer third(lockd.port);
    const std::string answer = co_await third.until_closed();
    CHECK(answer == "-ERR max number of clients reached\r\n");
    RespPeer owner(lockd);
    co_await owner.ask("CLIENT KILL ID 1", ":1\r\n");
    co_await lockd.until_clients(2);
}

}  // namespace

TEST_CASE("a client is answered after a few long commands, however many clients send them") {
    const std::string request = GENERATE("LOCKS none*", "SEMAPHORE LIST none*");
    Lockd lockd;
    lockd.run(ask_beside_listers(lockd, request));
}

TEST_CASE("clients are listed in pieces, while others come and go") {
    Lockd lockd;
    lockd.run(list_while_clients_leave(lockd));
}

TEST_CASE("a client's name is limited") {
    Lockd lockd;
    lockd.run(long_names(lockd));
}

TEST_CASE("a listing of clients shows the beginning of what they wait for") {
    Lockd lockd;
    lockd.run(long_waits(lockd));
}

TEST_CASE("the values that a client watches are limited") {
    Lockd lockd;
    lockd.run(long_watches(lockd));
}

TEST_CASE("a request before the login is short, however long those of users may be") {
    RespSettings settings;
    settings.password = "secret";
    Lockd lockd(settings);
    lockd.run(long_request_before_login(lockd));
}

TEST_CASE("clients of one address are limited, and leave room for those of others") {
    RespSettings settings;
    settings.max_clients_per_address = 2;
    TwoDoors lockd(settings);
    lockd.run(come_from_one_address(lockd));
}

// Several hundred MB of replies take half a minute with the address sanitizer.
#ifndef WEIR_SANITIZE_ADDRESS
TEST_CASE("long replies that the clients of one address leave unread are bounded together") {
    TwoDoors lockd({});
    lockd.run(leave_replies_unread(lockd));
}
#endif

TEST_CASE("who may close clients comes in at a Unix socket when all connections are taken") {
    RespSettings settings;
    settings.max_clients = 2;
    TwoDoors lockd(settings);
    lockd.run(come_in_when_all_is_taken(lockd));
}
