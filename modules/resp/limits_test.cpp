// What clients may have at most, and what is listed at most.
#include <list>
#include <string>

#include <unistd.h>

#include "modules/lock/table.h"
#include "modules/resp/protocol.h"
#include "modules/resp/session.h"
#include "tests/support/resp_world.h"

using namespace weir;
using namespace weir::resp;
using weir::testing::Lockd;
using weir::testing::RespPeer;

namespace {

Task<> too_many(Lockd& lockd) {
    RespPeer first(lockd);
    co_await first.ask("AUTH secret", "+OK\r\n");
    RespPeer second(lockd);
    const std::string last = co_await second.until_closed();
    CHECK(last == "-ERR max number of clients reached\r\n");
    co_await first.ask("TRYLOCK a", ":1\r\n");
    co_await first.ask("TRYLOCK b", ":2\r\n");
    co_await first.ask(
        "LOCK c", "-ERR this client holds 2 locks already, as many as are allowed (max_locks)\r\n");
}

Task<> hold_too_much(Lockd& lockd) {
    LockSettings limits;
    limits.max_held_of_one = 2 * LockAllowances::bytes_of_lock(8);  // "a" in "default"
    LockTable::of(lockd.scheduler).change_settings(limits);
    RespPeer first(lockd);
    RespPeer second(lockd);
    co_await first.ask("TRYLOCK a", ":1\r\n");
    co_await second.ask("TRYLOCK b", ":2\r\n");
    const std::string refused = "-ERR the address 'the local user " + std::to_string(getuid()) +
                                "' holds locks, or waits for them, which take as much memory as is "
                                "allowed, 2080 bytes (max_held_of_one)\r\n";
    co_await first.ask("LOCK c", refused);
    co_await first.ask("RESET", "+RESET\r\n");
    co_await second.ask("TRYLOCK c", ":3\r\n");
    co_await first.ask("TRYLOCK a", refused);
}

Task<> list_long_names(Lockd& lockd) {
    RespPeer client(lockd);
    for (int i = 1; i <= 270; ++i) {
        co_await client.ask("TRYLOCK " + std::to_string(i) + std::string(4000, 'x'),
                            ":" + std::to_string(i) + "\r\n");
    }
    for (const char* command : {"LOCKS", "LOCKS *x"}) {
        co_await client.ask(command,
                            "-ERR the names of keys and owners that match have more than 1 MiB, "
                            "which are not listed: give a narrower pattern\r\n");
    }
    co_await client.ask("LOCKS none*", "*0\r\n");
    co_await client.ask("SEMAPHORE LIST", "*0\r\n");
}

Task<> list_waiters_with_long_names(Lockd& lockd) {
    const std::string context = " CONTEXT " + std::string(4000, 'x');
    RespPeer holder(lockd);
    co_await holder.ask("TRYLOCK a" + context, ":1\r\n");
    std::list<RespPeer> waiters;
    for (std::size_t i = 1; i <= 270; ++i) {
        waiters.emplace_back(lockd).send("LOCK a" + context + "\r\n");
        co_await lockd.until_waiting(i);
    }
    co_await holder.ask("WAITERS a",
                        "-ERR there are more than 10000 waiters, or their names have more than 1 "
                        "MiB, which are not listed: CALL lock list with \"most\" lists the "
                        "first\r\n");
    co_await holder.ask("WAITERS b", "*0\r\n");
}

}  // namespace

TEST_CASE("clients and their locks are limited") {
    RespSettings settings;
    settings.password = "secret";  // a client that has not logged in may close no other
    settings.max_clients = 1;
    settings.max_locks = 2;
    Lockd lockd(settings);
    lockd.run(too_many(lockd));
}

TEST_CASE("a listing of waiters with long names is refused") {
    Lockd lockd;
    lockd.run(list_waiters_with_long_names(lockd));
}

TEST_CASE("the locks of an address take its share of the memory, over all its connections") {
    Lockd lockd;
    lockd.run(hold_too_much(lockd));
}

TEST_CASE("a listing of locks with long names is refused, and a narrower one is not") {
    Lockd lockd;
    lockd.run(list_long_names(lockd));
}
