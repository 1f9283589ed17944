#include "modules/resp/watches.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "core/wait/do_events.h"
#include "core/wait/send.h"
#include "tests/support/resp_world.h"

namespace weir::resp {
namespace {

using weir::testing::Lockd;
using weir::testing::RespPeer;
using weir::testing::Tick;

std::string bulk(std::string_view text) {
    return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

std::string request(const std::vector<std::string>& words) {
    std::string text = "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string& word : words) {
        text += bulk(word);
    }
    return text;
}

// What WATCH and UNWATCH answer.
std::string answer(std::string_view kind, std::string_view name, int count) {
    return "*3\r\n" + bulk(kind) + bulk(name) + ":" + std::to_string(count) + "\r\n";
}

std::string message(std::string_view name, std::string_view content, char type = '*') {
    return std::string(1, type) + "3\r\n" + bulk("message") + bulk(name) + bulk(content);
}

std::string tick(std::string_view clock, int count) {
    return R"({"type":"test.Tick","event":{"clock":")" + std::string(clock) + R"(","count":)" +
           std::to_string(count) + "}}";
}

Task<> send_and_watch(Lockd& lockd) {
    RespPeer sender(lockd);
    RespPeer all(lockd);
    RespPeer one(lockd);
    co_await all.ask("WATCH test.Tick", answer("watch", "test.Tick", 1));
    co_await one.ask("WATCH test.Tick clock=b", answer("watch", "test.Tick clock=b", 1));
    sender.send(request({"SEND", "test.Tick", R"({"clock": "a"})"}));
    co_await sender.expect("+OK\r\n");
    co_await all.expect(message("test.Tick", tick("a", 1)));
    sender.send(request({"SEND", "test.Tick", R"({"clock": "b", "count": 7})", "TIMEOUT", "5"}));
    co_await sender.expect("+OK\r\n");
    co_await all.expect(message("test.Tick", tick("b", 7)));
    co_await one.expect(message("test.Tick clock=b", tick("b", 7)));
}

Task<> pushes_in_version_3(Lockd& lockd) {
    RespPeer client(lockd);
    client.send("HELLO 3\r\nWATCH test.Tick\r\n");
    const std::string answered = answer("watch", "test.Tick", 1);
    while (!client.peer().received.ends_with(answered)) {
        co_await client.peer().receive_until(client.peer().received.size() + 1);
    }
    client.peer().received.clear();
    client.send(request({"SEND", "test.Tick", "{}"}));
    const std::string pushed = message("test.Tick", tick("", 1), '>');
    co_await client.peer().receive_until(pushed.size() + 5);
    // Before the reply or after it, but not within it.
    const std::string& received = client.peer().received;
    CHECK((received == pushed + "+OK\r\n" || received == "+OK\r\n" + pushed));
}

Task<> end_of_a_watch(Lockd& lockd) {
    RespPeer client(lockd);
    co_await client.ask("WATCH test.Tick", answer("watch", "test.Tick", 1));
    co_await client.ask("WATCH test.Tick clock=a", answer("watch", "test.Tick clock=a", 2));
    co_await client.ask("WATCH test.Tick", answer("watch", "test.Tick", 2));
    co_await client.ask("UNWATCH test.Tick", answer("unwatch", "test.Tick", 1));
    co_await client.ask("UNWATCH test.Tick", "-ERR the client does not watch 'test.Tick'\r\n");
    co_await client.ask("UNWATCH", answer("unwatch", "", 0));
    co_await client.ask("WATCH test.Tick", answer("watch", "test.Tick", 1));
    co_await client.ask("RESET", "+RESET\r\n");
    CHECK(lockd.events.topics() == 0);
    co_await client.ask("WATCH test.Tick", answer("watch", "test.Tick", 1));
    CHECK(lockd.events.topics() == 1);
    client.peer().close();
    co_await lockd.until_clients(0);
    CHECK(lockd.events.topics() == 0);
}

Task<> refused(Lockd& lockd) {
    RespPeer client(lockd);
    co_await client.ask("WATCH test.Tock",
                        "-ERR unknown_event: unknown event type 'test.Tock' (did you mean "
                        "'test.Tick'?)\r\n");
    co_await client.ask("WATCH test.Tick clock",
                        "-ERR WATCH expects INDEX=VALUE after the type, found 'clock'\r\n");
    co_await client.ask("WATCH test.Tick clok=1",
                        "-ERR bad_event: unknown index 'clok' (did you mean 'clock'?)\r\n");
    client.send(request({"SEND", "test.Tick", R"({"count": 0})"}));
    co_await client.expect("-ERR bad_event: event:1:11: count: 0 is out of range: 1 to 100\r\n");
    client.send(request({"SEND", "test.Tick", "{}", "TIMEOUT", "soon"}));
    co_await client.expect("-ERR TIMEOUT of SEND is a number of seconds, found 'soon'\r\n");
    client.send(request({"SEND", "test.Tick", "{}", "TIMOUT", "1"}));
    co_await client.expect("-ERR unknown option 'TIMOUT' of SEND (did you mean 'TIMEOUT'?)\r\n");
    co_await client.ask("SEND test.Tick {} 5", "-ERR syntax error in SEND at '5'\r\n");
    co_await client.ask("WATCH test.Tick", answer("watch", "test.Tick", 1));
    co_await client.ask("WATCH test.Tick clock=a", answer("watch", "test.Tick clock=a", 2));
    co_await client.ask("WATCH test.Tick clock=b",
                        "-ERR the client has 2 watches, which are max_watches\r\n");
}

// A message stands behind the reply to EXEC although the event came before its end.
Task<> transaction(Lockd& lockd) {
    RespPeer holder(lockd);
    RespPeer client(lockd);
    co_await holder.ask("LOCK a", ":1\r\n");
    co_await client.ask("WATCH test.Tick", answer("watch", "test.Tick", 1));
    client.send("MULTI\r\nPING\r\nLOCK a\r\nWATCH test.Tick clock=a\r\nEXEC\r\n");
    co_await client.expect("+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+PONG\r\n");
    co_await lockd.until_waiting(1);
    holder.send(request({"SEND", "test.Tick", "{}"}));
    co_await holder.expect("+OK\r\n");
    co_await holder.ask("UNLOCK a", ":1\r\n");
    co_await client.expect(":2\r\n-ERR WATCH is not allowed between MULTI and EXEC\r\n" +
                           message("test.Tick", tick("", 1)));
}

// A client that does not read loses events, and learns how many; the sender does not wait.
Task<> slow_watcher(Lockd& lockd) {
    RespPeer slow(lockd);
    co_await slow.ask("WATCH test.Tick", answer("watch", "test.Tick", 1));
    const std::string clock(10'000, 'c');
    constexpr int sent = 3000;
    for (int i = 0; i != sent; ++i) {
        co_await weir::send(make_event<Tick>(clock, 1));
    }
    while (lockd.scheduler.queue().size() > 10) {
        co_await do_events();  // a round delivers some of them
    }
    int received = 0;
    long lost = 0;
    std::string& bytes = slow.peer().received;
    while (received + lost != sent) {
        co_await slow.peer().receive_until(bytes.size() + 1);
        for (std::size_t end = bytes.find("}\r\n"); end != std::string::npos;
             end = bytes.find("}\r\n")) {
            const std::size_t at = bytes.find("{\"lost\":");
            if (at < end) {
                lost += std::stol(bytes.substr(at + 8));
            } else {
                ++received;
            }
            bytes.erase(0, end + 3);
        }
    }
    CHECK(received > 0);
    CHECK(lost > 0);
}

TEST_CASE("A client sends events, and clients that watch get those that they chose") {
    Lockd lockd;
    lockd.run(send_and_watch(lockd));
}

TEST_CASE("Watched events are pushes in version 3 of the protocol") {
    Lockd lockd;
    lockd.run(pushes_in_version_3(lockd));
}

TEST_CASE("A watch ends with UNWATCH, RESET, or the connection") {
    Lockd lockd;
    lockd.run(end_of_a_watch(lockd));
}

TEST_CASE("SEND and WATCH say what is wrong with their arguments") {
    RespSettings settings;
    settings.max_watches = 2;
    Lockd lockd(settings);
    lockd.run(refused(lockd));
}

TEST_CASE("No message stands within the reply to a transaction") {
    Lockd lockd;
    lockd.run(transaction(lockd));
}

TEST_CASE("A watcher that does not read loses events, learns how many, and delays no sender") {
    Lockd lockd;
    lockd.run(slow_watcher(lockd));
}

}  // namespace
}  // namespace weir::resp
