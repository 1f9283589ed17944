#include "modules/resp/session.h"

#include <memory>
#include <string>

#include "core/net/socket_server.h"
#include "modules/lock/table.h"
#include "modules/resp/protocol.h"
#include "modules/system/module/abi.h"
#include "tests/support/resp_world.h"

using namespace weir;
using namespace weir::resp;
using weir::testing::Lockd;
using weir::testing::Looks;
using weir::testing::Peer;
using weir::testing::RespPeer;
using weir::testing::World;
using namespace std::chrono_literals;

namespace {

// All that follows is the same whether code looks at the events or not.
Looks any_looks() {
    const auto looks = GENERATE(Looks::never, Looks::always, Looks::now_and_then);
    CAPTURE(static_cast<int>(looks));
    return looks;
}

Task<> lock_and_unlock(Lockd& lockd) {
    RespPeer first(lockd);
    RespPeer second(lockd);
    co_await first.ask("LOCK a", ":1\r\n");
    co_await first.ask("LOCK a", ":1\r\n");
    co_await second.ask("TRYLOCK a", "$-1\r\n");
    co_await second.ask("lock a timeout 0", "$-1\r\n");
    co_await second.ask("UNLOCK a", ":0\r\n");
    co_await second.ask("TRYLOCK b", ":2\r\n");
    second.send("LOCK a TIMEOUT 20\r\n");
    co_await lockd.until_waiting(1);
    co_await first.ask("UNLOCK a", ":1\r\n");
    co_await second.expect(":3\r\n");
    CHECK(lockd.holding() == 2);
    co_await second.ask("LOCK c TIMEOUT 0.001", ":4\r\n");
    co_await first.ask("LOCK c TIMEOUT 0.001", "$-1\r\n");
}

// Requests behind a waiting request are answered after it.
Task<> pipelining(Lockd& lockd) {
    RespPeer holder(lockd);
    RespPeer client(lockd);
    co_await holder.ask("LOCK a", ":1\r\n");
    client.send("PING\r\nLOCK a\r\nECHO x\r\nTRYLOCK b\r\n");
    co_await client.expect("+PONG\r\n");
    co_await lockd.until_waiting(1);
    co_await holder.ask("PING", "+PONG\r\n");
    holder.send("UNLOCK a\r\nLOCK a\r\nPING\r\n");
    co_await holder.expect(":1\r\n");
    co_await client.expect(":2\r\n$1\r\nx\r\n:3\r\n");
    CHECK(client.peer().received.empty());
    client.send("UNLOCK a\r\n");
    co_await client.expect(":1\r\n");
    co_await holder.expect(":4\r\n+PONG\r\n");
}

enum class End { close, reset, end, quit, kill };

// However a connection ends, what it holds and what it waits for is free.
Task<> every_end(Lockd& lockd, End how) {
    RespPeer other(lockd);
    co_await other.ask("LOCK a", ":1\r\n");
    RespPeer client(lockd);
    co_await client.ask("TRYLOCK b", ":2\r\n");
    co_await client.ask("CLIENT ID", ":2\r\n");
    if (how == End::quit) {
        client.send("QUIT\r\nPING\r\n");
        const std::string last = co_await client.until_closed();
        CHECK(last == "+OK\r\n");
    } else {
        client.send("LOCK a\r\nLOCK c\r\n");
        co_await lockd.until_waiting(1);
        if (how == End::close) {
            client.peer().close();
        } else if (how == End::reset) {
            client.peer().reset();
        } else if (how == End::end) {
            client.peer().end();
        } else {
            co_await other.ask("CLIENT KILL ID 2", ":1\r\n");
        }
    }
    co_await lockd.until_clients(1);
    CHECK(LockTable::of(lockd.scheduler).waiting() == 0);
    CHECK(lockd.holding() == 1);
    co_await other.ask("TRYLOCK b", ":3\r\n");
    co_await other.ask("TRYLOCK c", ":4\r\n");
}

// All that was sent before the end is answered.
Task<> answered_before_end(Lockd& lockd) {
    RespPeer client(lockd);
    client.send("PING\r\nTRYLOCK a\r\nECHO last\r\n");
    client.peer().end();
    const std::string last = co_await client.until_closed();
    CHECK(last == "+PONG\r\n:1\r\n$4\r\nlast\r\n");
    co_await lockd.until_clients(0);
    CHECK(lockd.holding() == 0);
}

Task<> wrong_requests(Lockd& lockd) {
    RespPeer client(lockd);
    co_await client.ask("LOKC a", "-ERR unknown command 'LOKC' (did you mean 'LOCK'?)\r\n");
    co_await client.ask("LOCK",
                        "-ERR wrong number of arguments for 'LOCK', expected LOCK key [TIMEOUT "
                        "seconds] [CONTEXT context] [SHARED | READ]\r\n");
    co_await client.ask("LOCK a TIMEOT 1",
                        "-ERR unknown option 'TIMEOT' of LOCK (did you mean 'TIMEOUT'?)\r\n");
    co_await client.ask("LOCK a TIMEOUT", "-ERR a value is missing after TIMEOUT\r\n");
    for (const std::string wrong : {"-1", "x", "", "1s", "nan", "inf", "1e99", "-0"}) {
        co_await client.ask(
            "LOCK a TIMEOUT '" + wrong + "'",
            "-ERR the timeout is not a number of seconds, as 2 or 0.5, but '" + wrong + "'\r\n");
    }
    co_await client.ask("TRYLOCK a TIMEOUT 1",
                        "-ERR unknown option 'TIMEOUT' of TRYLOCK, expected CONTEXT, SHARED, "
                        "READ\r\n");
    for (const std::string command :
         {"LOCK ''", "TRYLOCK ''", "UNLOCK ''", "WAITERS ''", "SEMAPHORE CREATE '' 2",
          "SEMAPHORE RESIZE '' 2", "SEMAPHORE DESTROY ''"}) {
        co_await client.ask(command, "-ERR the key is empty\r\n");
    }
    co_await client.ask("LOCK a CONTEXT ''", "-ERR the context is empty\r\n");
    co_await client.ask("LOCK " + std::string(5000, 'x'),
                        "-ERR the key has 5000 bytes, more than 4096 (max_key)\r\n");
    co_await client.ask("LOCKS " + std::string(257, '*'),
                        "-ERR the pattern has 257 bytes, more than 256\r\n");
    co_await client.ask(
        "SEMAPHORE CREAT a 1",
        "-ERR unknown subcommand 'CREAT' of SEMAPHORE (did you mean 'CREATE'?)\r\n");
    co_await client.ask("SEMAPHORE CREATE a 0",
                        "-ERR the size is not a number from 1 to 4294967295, but '0'\r\n");
    co_await client.ask("CLIENT NAME",
                        "-ERR unknown subcommand 'NAME' of CLIENT, expected ID, INFO, "
                        "LIST, GETNAME, SETNAME, SETINFO, KILL, NO-EVICT, NO-TOUCH, REPLY\r\n");
    co_await client.ask("ECHO \"a", "-ERR Protocol error: unbalanced quotes in request\r\n");
    co_await client.ask("SELECT 1", "-ERR DB index is out of range: there is only 0\r\n");
}

Task<> broken_input(Lockd& lockd) {
    RespPeer client(lockd);
    client.send("TRYLOCK a\r\n*1\r\n:5\r\nPING\r\n");
    const std::string last = co_await client.until_closed();
    CHECK(last == ":1\r\n-ERR Protocol error: expected '$', got ':'\r\n");
    co_await lockd.until_clients(0);
    CHECK(lockd.holding() == 0);
    RespPeer browser(lockd);
    browser.send("POST / HTTP/1.1\r\nHost: localhost\r\n\r\nLOCK a\r\n");
    const std::string nothing = co_await browser.until_closed();
    CHECK(nothing.empty());
}

Task<> semaphores(Lockd& lockd) {
    RespPeer first(lockd);
    RespPeer second(lockd);
    RespPeer third(lockd);
    const std::string refused = "-SEMAPHORE lock 's' in context 'default': the key has ";
    co_await first.ask(
        "LOCK s SHARED",
        refused + "no semaphore to share (leave SHARED out, or SEMAPHORE CREATE it)\r\n");
    co_await first.ask("SEMAPHORE CREATE s 2", "+OK\r\n");
    co_await first.ask("LOCK s SHARED", ":1\r\n");
    co_await second.ask("LOCK s SHARED TIMEOUT 1", ":2\r\n");
    co_await third.ask("TRYLOCK s CONTEXT default SHARED", "$-1\r\n");
    for (const std::string command : {"LOCK", "TRYLOCK"}) {
        co_await third.ask(
            command + " s",
            refused +
                "a semaphore of size 2, made by client 1: it can be locked as shared "
                "only (add SHARED to take one of its slots)\r\n");
    }
    third.send("LOCK s SHARED\r\n");
    co_await lockd.until_waiting(1);
    co_await first.ask("SEMAPHORE RESIZE s 3", "+OK\r\n");
    co_await third.expect(":3\r\n");
    co_await third.ask("SEMAPHORE DESTROY s", "+OK\r\n");
    co_await third.ask("UNLOCK s", ":1\r\n");
    co_await third.ask("TRYLOCK s", "$-1\r\n");
    co_await third.ask("TRYLOCK t", ":4\r\n");
    co_await first.ask("SEMAPHORE DESTROY",
                       "-ERR wrong number of arguments for 'SEMAPHORE', expected SEMAPHORE CREATE "
                       "key size [CONTEXT context] | RESIZE key size [CONTEXT context] | DESTROY "
                       "key [CONTEXT context] | LIST [pattern]\r\n");
}

Task<> locks_to_read(Lockd& lockd) {
    RespPeer first(lockd);
    RespPeer second(lockd);
    RespPeer writer(lockd);
    co_await first.ask("LOCK a READ", ":1\r\n");
    co_await second.ask("TRYLOCK a READ CONTEXT default", ":2\r\n");
    co_await writer.ask("TRYLOCK a", "$-1\r\n");
    co_await first.ask("LOCK a",
                       "-UPGRADE lock 'a' in context 'default': this session holds it to read, or "
                       "waits for that: it has to give that back first\r\n");
    co_await first.ask("LOCK a READ SHARED",
                       "-ERR READ and SHARED exclude each other: SHARED is for semaphores\r\n");
    writer.send("LOCK a\r\n");
    co_await lockd.until_waiting(1);
    RespPeer late(lockd);
    co_await late.ask("LOCK a READ TIMEOUT 0", "$-1\r\n");
    for (const auto& [command, seen] : {std::pair("LOCKS", "$5\r\nreads\r\n:1\r\n"),
                                        std::pair("WAITERS a", "$5\r\nreads\r\n:0\r\n")}) {
        first.send(std::string(command) + "\r\n");
        co_await first.peer().receive_until(100);
        CHECK_THAT(first.peer().received, Catch::Contains(seen));
        first.peer().received.clear();
    }
    co_await first.ask("UNLOCK a", ":1\r\n");
    co_await second.ask("UNLOCK a", ":1\r\n");
    co_await writer.expect(":3\r\n");
}

Task<> unused_semaphore(Lockd& lockd) {
    RespPeer client(lockd);
    co_await client.ask("SEMAPHORE LIST", "*0\r\n");
    co_await client.ask("SEMAPHORE CREATE s 2", "+OK\r\n");
    for (const std::string command : {"LOCKS", "SEMAPHORE LIST s*"}) {
        client.send(command + "\r\n");
        co_await client.peer().receive_until(100);
        CHECK_THAT(client.peer().received,
                   Catch::Contains("made_by\r\n$8\r\nclient 1\r\n") &&
                       Catch::Contains("$4\r\nsize\r\n:2\r\n") &&
                       Catch::EndsWith("$7\r\nholders\r\n*0\r\n$7\r\nwaiters\r\n:0\r\n"));
        client.peer().received.clear();
    }
}

Task<> transactions(Lockd& lockd) {
    RespPeer client(lockd);
    RespPeer other(lockd);
    co_await client.ask("EXEC", "-ERR EXEC without MULTI\r\n");
    co_await client.ask("MULTI", "+OK\r\n");
    co_await client.ask("MULTI", "-ERR MULTI calls can not be nested\r\n");
    co_await client.ask("TRYLOCK a", "+QUEUED\r\n");
    co_await client.ask("UNLOCK b", "+QUEUED\r\n");
    CHECK(lockd.holding() == 0);
    co_await client.ask("EXEC", "*2\r\n:1\r\n:0\r\n");
    co_await client.ask("MULTI", "+OK\r\n");
    co_await client.ask("TRYLOCK b", "+QUEUED\r\n");
    co_await client.ask("DISCARD", "+OK\r\n");
    // With a wrong request nothing is executed.
    co_await client.ask("MULTI", "+OK\r\n");
    co_await client.ask("TRYLOCK b", "+QUEUED\r\n");
    co_await client.ask("LOKC b", "-ERR unknown command 'LOKC' (did you mean 'LOCK'?)\r\n");
    co_await client.ask("EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n");
    CHECK(lockd.holding() == 1);
    // A LOCK waits, and what is behind it too.
    other.send("MULTI\r\nPING\r\nLOCK a\r\nUNLOCK a\r\nEXEC\r\nECHO x\r\n");
    co_await other.expect("+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+PONG\r\n");
    co_await lockd.until_waiting(1);
    co_await client.ask("UNLOCK a", ":1\r\n");
    co_await other.expect(":2\r\n:1\r\n$1\r\nx\r\n");
    // RESET ends it.
    co_await client.ask("MULTI", "+OK\r\n");
    co_await client.ask("RESET", "+RESET\r\n");
    co_await client.ask("EXEC", "-ERR EXEC without MULTI\r\n");
}

Task<> long_transaction(Lockd& lockd) {
    RespPeer client(lockd);
    co_await client.ask("MULTI", "+OK\r\n");
    for (int i = 0; i != 7; ++i) {
        co_await client.ask("PING", "+QUEUED\r\n");
    }
    co_await client.ask("PING",
                        "-ERR the transaction takes more than 1000 bytes (max_request)\r\n");
    co_await client.ask("EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n");
}

Task<> reply_modes(Lockd& lockd) {
    RespPeer client(lockd);
    client.send("CLIENT REPLY SKIP\r\nECHO 1\r\nECHO 2\r\n");
    co_await client.expect("$1\r\n2\r\n");
    client.send(
        "CLIENT REPLY OFF\r\nECHO 3\r\nLOKC\r\nCLIENT REPLY SKIP\r\nTRYLOCK a\r\n"
        "ECHO 4\r\n");
    co_await client.ask("CLIENT REPLY ON", "+OK\r\n");
    CHECK(lockd.holding() == 1);
    co_await client.ask("CLIENT REPLY MAYBE",
                        "-ERR unknown mode 'MAYBE' of CLIENT REPLY, expected ON, OFF, SKIP\r\n");
    client.send("MULTI\r\nCLIENT REPLY OFF\r\nEXEC\r\n");
    co_await client.expect(
        "+OK\r\n+QUEUED\r\n*1\r\n-ERR CLIENT REPLY is not allowed between "
        "MULTI and EXEC\r\n");
}

// What libraries of Redis send without being asked to.
Task<> courtesies(Lockd& lockd) {
    RespPeer client(lockd);
    for (const std::string request : {"READONLY", "READWRITE", "CLIENT NO-EVICT ON",
                                      "CLIENT NO-TOUCH off", "CLIENT SETINFO lib-name x"}) {
        co_await client.ask(request, "+OK\r\n");
    }
    co_await client.ask("ROLE", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
    co_await client.ask("INFO replication",
                        "$48\r\n# Replication\r\nrole:master\r\nconnected_slaves:0\r\n\r\n");
}

Task<> kill_by_filters(Lockd& lockd) {
    RespPeer killer(lockd);
    co_await killer.ask("PING", "+PONG\r\n");
    RespPeer second(lockd);
    co_await second.ask("PING", "+PONG\r\n");
    RespPeer third(lockd);
    co_await third.ask("PING", "+PONG\r\n");
    co_await killer.ask("CLIENT KILL ID 2 3 TYPE replica", ":0\r\n");
    co_await killer.ask("CLIENT KILL ID 2 USER me", ":0\r\n");
    co_await killer.ask("CLIENT KILL ID 1 MAXAGE 1000", ":0\r\n");
    co_await killer.ask("CLIENT KILL ID 1", ":0\r\n");
    co_await killer.ask("CLIENT KILL ID 0",
                        "-ERR client-id should be a number from 1 on, found '0'\r\n");
    co_await killer.ask("CLIENT KILL TYPE cat", "-ERR unknown client type 'cat'\r\n");
    co_await killer.ask("CLIENT KILL SKIPME maybe", "-ERR wrong value of SKIPME: 'maybe'\r\n");
    co_await killer.ask("CLIENT KILL ID 2 3 TYPE normal", ":2\r\n");
    co_await lockd.until_clients(1);
    co_await killer.ask("CLIENT LIST ID 7", "$0\r\n\r\n");
    co_await killer.ask("CLIENT KILL SKIPME no ID 1", ":1\r\n");
    co_await lockd.until_clients(0);
}

Task<> password(Lockd& lockd) {
    RespPeer client(lockd);
    co_await client.ask("PING", "-NOAUTH Authentication required. Send AUTH <password> first.\r\n");
    co_await client.ask("HELLO 3",
                        "-NOAUTH HELLO must be called with the client already authenticated, or "
                        "with AUTH <user> <password>\r\n");
    co_await client.ask("AUTH wrong", "-WRONGPASS invalid username-password pair\r\n");
    co_await client.ask("AUTH secre", "-WRONGPASS invalid username-password pair\r\n");
    co_await client.ask("AUTH secrets", "-WRONGPASS invalid username-password pair\r\n");
    co_await client.ask("AUTH me secret", "-WRONGPASS invalid username-password pair\r\n");
    co_await client.ask("XYZ",
                        "-NOAUTH Authentication required. Send AUTH <password> first. (The command "
                        "is unknown as well.)\r\n");
    co_await client.ask("AUTH secret", "+OK\r\n");
    co_await client.ask("TRYLOCK a", ":1\r\n");
    co_await client.ask("RESET", "+RESET\r\n");
    CHECK(lockd.holding() == 0);
    co_await client.ask("TRYLOCK a",
                        "-NOAUTH Authentication required. Send AUTH <password> first.\r\n");
    co_await client.ask("AUTH default secret", "+OK\r\n");
}

// A client that sends and never reads: memory stays bounded, and the client is closed.
Task<> slow_reader(Lockd& lockd) {
    RespPeer client(lockd);
    co_await client.ask("TRYLOCK a", ":1\r\n");
    const std::string request = "ECHO " + std::string(8000, 'x') + "\r\n";
    std::size_t most = 0;
    while (lockd.protocol.clients() != 0) {
        client.peer().send(request);
        for (const Session& session : lockd.protocol.sessions()) {
            most = std::max(most,
                            session.connection().output_size() + session.connection().input_size());
        }
        co_await do_events();
    }
    CHECK(most > 0);
    CHECK(most < 256 * 1024);
    CHECK(lockd.holding() == 0);
}

Task<> idle(Lockd& lockd) {
    RespPeer holder(lockd);
    co_await holder.ask("TRYLOCK a", ":1\r\n");
    RespPeer waiter(lockd);
    waiter.send("LOCK a\r\n");
    RespPeer silent(lockd);
    const std::string nothing = co_await silent.until_closed();
    CHECK(nothing.empty());
    co_await lockd.until_clients(2);
    co_await holder.ask("UNLOCK a", ":1\r\n");
    co_await waiter.expect(":2\r\n");
}

Task<> hello(Lockd& lockd) {
    RespPeer client(lockd);
    co_await client.ask("HELLO 4", "-NOPROTO unsupported protocol version\r\n");
    const std::string version(own_abi.weir);
    co_await client.ask("HELLO 3 SETNAME me",
                        "%7\r\n$6\r\nserver\r\n$4\r\nweir\r\n$7\r\nversion\r\n$" +
                            std::to_string(version.size()) + "\r\n" + version +
                            "\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\n"
                            "standalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n");
    co_await client.ask("CLIENT GETNAME", "$2\r\nme\r\n");
    co_await client.ask("TRYLOCK a", ":1\r\n");
    RespPeer other(lockd);
    co_await other.ask("CLIENT GETNAME", "$-1\r\n");
    co_await client.ask("CLIENT SETNAME 'a b'",
                        "-ERR a client's name cannot contain spaces or special characters\r\n");
    co_await other.ask("WAITERS a", "*0\r\n");
}

}  // namespace

TEST_CASE("locks are granted, refused, waited for and given back by command") {
    Lockd lockd({}, any_looks());
    lockd.run(lock_and_unlock(lockd));
}

TEST_CASE(
    "requests are answered in order, and a request that waits delays only its own connection") {
    Lockd lockd({}, any_looks());
    lockd.run(pipelining(lockd));
}

TEST_CASE("however a connection ends, it holds and waits for nothing any more") {
    const auto how = GENERATE(End::close, End::reset, End::end, End::quit, End::kill);
    CAPTURE(static_cast<int>(how));
    Lockd lockd({}, any_looks());
    lockd.run(every_end(lockd, how));
}

namespace {

Task<> count_requests(Lockd& lockd, std::uint64_t& left) {
    RespPeer client(lockd);
    co_await client.ask("PING", "+PONG\r\n");
    const Queue& requests = *lockd.scheduler.queue().find("resp");
    const Queue& writes = *lockd.scheduler.queue().find("connectionwrite");
    const std::uint64_t before = requests.popped() + writes.popped();
    for (int n = 0; n != 10; ++n) {
        co_await client.ask("PING", "+PONG\r\n");
    }
    left = requests.popped() + writes.popped() - before;
}

}  // namespace

TEST_CASE("requests and replies count as events of their queues, also if no code looks") {
    std::uint64_t left = 0;
    Lockd lockd({}, any_looks());
    lockd.run(count_requests(lockd, left));
    CHECK(left == 20);
}

TEST_CASE("what was asked before the client's end is answered") {
    Lockd lockd({}, any_looks());
    lockd.run(answered_before_end(lockd));
}

TEST_CASE("a wrong request is answered with its reason, and the connection goes on") {
    Lockd lockd;
    lockd.run(wrong_requests(lockd));
}

TEST_CASE("what is not the protocol is closed, with the reason, and browsers without") {
    Lockd lockd;
    lockd.run(broken_input(lockd));
}

TEST_CASE("semaphores are made, resized and destroyed by command") {
    Lockd lockd;
    lockd.run(semaphores(lockd));
}

TEST_CASE("LOCK with READ is held together with others that read") {
    Lockd lockd;
    lockd.run(locks_to_read(lockd));
}

TEST_CASE("an unused semaphore is listed with its maker") {
    Lockd lockd;
    lockd.run(unused_semaphore(lockd));
}

TEST_CASE("requests between MULTI and EXEC are executed in order, and a LOCK among them waits") {
    Lockd lockd({}, any_looks());
    lockd.run(transactions(lockd));
}

TEST_CASE("a transaction takes no more memory than a request may") {
    RespSettings settings;
    settings.max_request = config::ByteSize{1000};
    Lockd lockd(settings);
    lockd.run(long_transaction(lockd));
}

TEST_CASE("CLIENT REPLY switches replies off, for one request or for all that follow") {
    Lockd lockd;
    lockd.run(reply_modes(lockd));
}

TEST_CASE("what libraries of Redis send without being asked to is accepted") {
    Lockd lockd;
    lockd.run(courtesies(lockd));
}

TEST_CASE("CLIENT KILL closes the clients that all its filters choose, by default not its own") {
    Lockd lockd;
    lockd.run(kill_by_filters(lockd));
}

TEST_CASE("nothing works before the password is given") {
    RespSettings settings;
    settings.password = "secret";
    Lockd lockd(settings);
    lockd.run(password(lockd));
}

TEST_CASE("a client that does not read is slowed down, then closed, at bounded memory") {
    RespSettings settings;
    settings.write_timeout = 20ms;
    Lockd lockd(settings, any_looks());
    lockd.run(slow_reader(lockd));
}

TEST_CASE("an idle client is closed, unless it holds a lock or waits for one") {
    RespSettings settings;
    settings.idle_timeout = 20ms;
    Lockd lockd(settings);
    lockd.run(idle(lockd));
}

TEST_CASE("HELLO chooses the version and names the client") {
    Lockd lockd;
    lockd.run(hello(lockd));
}
