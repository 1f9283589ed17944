#include "modules/redis/client.h"

#include <algorithm>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "modules/redis/events.h"
#include "modules/redis/test_world.h"

using namespace weir;
using namespace weir::redis;

namespace {

using Lines = std::vector<std::string>;

// Returns the reply's text, or "number", or the class of the error and its text.
Task<std::string> outcome(PendingReply& pending) {
    try {
        const Reply reply = co_await pending;
        co_return reply.type == Reply::Type::integer ? std::to_string(reply.integer) : reply.text;
    } catch (const ServerError& error) {
        co_return std::string("refused: ") + error.what();
    } catch (const InDoubtError& error) {
        co_return std::string("in doubt: ") + error.what();
    } catch (const UnavailableError& error) {
        co_return std::string("unavailable: ") + error.what();
    } catch (const LimitError& error) {
        co_return std::string("limit: ") + error.what();
    } catch (const ClosedError& error) {
        co_return std::string("closed: ") + error.what();
    }
}

Task<> note(Client& client, Command command, std::string& result, Time deadline = usual_deadline) {
    PendingReply pending = client.command(std::move(command), deadline);
    result = co_await outcome(pending);
}

// Also notes the version of the protocol.
Task<> note_version(Client& client, std::string& result) {
    co_await note(client, Command("ECHO", "x"), result);
    result += ", version " + std::to_string(client.version());
}

Task<> until_connections(const Client& client, std::uint64_t count) {
    while (client.connections() != count || !client.is_connected()) {
        co_await sleep(1ms);
    }
}

}  // namespace

TEST_CASE("a command is encoded with its arguments, which may be any bytes") {
    CHECK(Command("set", "k", std::string("a\r\n\0b", 5), -12).bytes() ==
          "*4\r\n$3\r\nset\r\n$1\r\nk\r\n$5\r\na\r\n" + std::string("\0b", 2) +
              "\r\n$3\r\n-12\r\n");
    CHECK(Command("set").name() == "SET");
}

TEST_CASE("a command that would change or hold up the shared connection is refused") {
    const auto is_fit = [](const auto&... words) { return Command(words...).unfit().empty(); };
    CHECK(is_fit("GET", "a"));
    CHECK(is_fit("CLIENT", "ID"));
    CHECK(is_fit("XREAD", "COUNT", "1", "STREAMS", "block", "0"));
    CHECK_FALSE(is_fit("blpop", "a", "0"));
    CHECK_FALSE(is_fit("XREAD", "block", "0", "STREAMS", "a", "0"));
    CHECK_FALSE(is_fit("MULTI"));
    CHECK_FALSE(is_fit("Subscribe", "a"));
    CHECK_FALSE(is_fit("client", "reply", "off"));
    CHECK_FALSE(is_fit("client", "pause", "1000"));
    CHECK_FALSE(is_fit("debug", "sleep", "1"));
    CHECK_FALSE(is_fit("LOCK", "a"));
    RedisWorld world;
    Client client(world.scheduler, world.server.options());
    CHECK_THROWS_WITH(client.command("SELECT", 1),
                      Catch::Contains("SELECT is not for this connection: it changes"));
}

TEST_CASE("commands of many routines share a connection, and are sent without waiting") {
    RedisWorld world;
    Client client(world.scheduler, world.server.options());
    // The server answers when all three have come.
    world.server.answer = [&](const FakeServer::Words& command) -> std::string {
        if (command[0] == "HELLO") {
            return world.server.usual_answer(command);
        }
        return world.received().size() == 3 ? bulk("a") + bulk("b") + bulk("c") : "";
    };
    std::string a;
    std::string b;
    std::string c;
    world.run(note(client, Command("ECHO", "a"), a), note(client, Command("ECHO", "b"), b),
              note(client, Command("ECHO", "c"), c));
    CHECK(a + b + c == "abc");
    CHECK(world.server.attempts == 1);
    CHECK(client.requests().size() == 0);
    CHECK(world.log == Lines{"connected to tcp://fake:1, version 3 of the protocol"});
}

TEST_CASE("replies come as they are, and an error of the server is an exception with its code") {
    RedisWorld world;
    Client client(world.scheduler, world.server.options());
    world.server.answer = [&](const FakeServer::Words& command) -> std::string {
        if (command[0] == "MIX") {
            return "*3\r\n:1\r\n-ERR one\r\n%1\r\n+a\r\n#t\r\n";
        }
        return command[0] == "INCR" ? "-WRONGTYPE not an integer\r\n"
                                    : world.server.usual_answer(command);
    };
    const auto test = [](Client& c) -> Task<> {
        const Reply mixed = co_await c.command("MIX");
        CHECK(mixed.items.at(0).integer == 1);
        CHECK(mixed.items.at(1).is_error());
        CHECK(mixed.items.at(2).type == Reply::Type::map);
        try {
            co_await c.command("INCR", "a");
            FAIL("no error");
        } catch (const ServerError& error) {
            CHECK(error.code() == "WRONGTYPE");
            CHECK(std::string(error.what()) == "INCR on tcp://fake:1: WRONGTYPE not an integer");
        }
    };
    world.run(test(client));
}

TEST_CASE(
    "a command whose reply is lost is in doubt and not sent again, unless it is safe to repeat") {
    RedisWorld world;
    Client client(world.scheduler, world.server.options());
    bool answers = false;
    world.server.answer = [&](const FakeServer::Words& command) {
        return answers || command[0] == "HELLO" ? world.server.usual_answer(command) : "";
    };
    std::string doubtful;
    std::string safe;
    std::string later;
    const auto test = [&]() -> Task<> {
        while (world.received().size() != 2) {
            co_await sleep(1ms);
        }
        answers = true;
        world.server.refuses = true;
        world.server.cut();
        co_await sleep(1s);
        world.container.start(note(client, Command("ECHO", "later"), later));
        co_await sleep(1s);
        world.server.refuses = false;
    };
    world.run(note(client, Command("INCR", "a"), doubtful),
              note(client, Command("ECHO", "safe").safe_to_repeat(), safe), test());
    CHECK(doubtful ==
          "in doubt: INCR on tcp://fake:1: it may have been executed, the connection was lost "
          "before a reply: reading from memory: connection reset by peer (ECONNRESET)");
    CHECK(safe == "safe");
    CHECK(later == "later");
    CHECK(world.received() == Lines{"INCR a", "ECHO safe", "ECHO safe", "ECHO later"});
    CHECK(client.requests().in_doubt() == 1);
}

TEST_CASE("at its deadline a command says whether it may have been executed") {
    RedisWorld world;
    Client client(world.scheduler, world.server.options());
    world.server.refuses = true;
    bool answers = false;
    world.server.answer = [&](const FakeServer::Words& command) {
        return answers || command[0] == "HELLO" ? world.server.usual_answer(command) : "";
    };
    std::string unsent;
    std::string lost;
    std::string after;
    const auto test = [&]() -> Task<> {
        co_await note(client, Command("INCR", "a"), unsent, world.in(3s));
        world.server.refuses = false;
        co_await until_connections(client, 1);
        co_await note(client, Command("INCR", "b"), lost, world.in(3s));
        // The late reply is not that of the next command.
        answers = true;
        world.server.send("+late\r\n");
        co_await note(client, Command("ECHO", "mine"), after);
    };
    world.run(test());
    CHECK(unsent ==
          "unavailable: INCR: not sent before the deadline: connecting to tcp://fake:1: connection "
          "refused (ECONNREFUSED)");
    CHECK(
        lost ==
        "in doubt: INCR on tcp://fake:1: no reply before the deadline, it may have been executed");
    CHECK(after == "mine");
    CHECK(world.received() == Lines{"INCR b", "ECHO mine"});
}

TEST_CASE("a command with more time than is usual has it, and those behind it wait") {
    RedisWorld world;
    ClientOptions options = world.server.options();
    options.command_timeout = 2s;
    options.ping_interval = 1s;
    Client client(world.scheduler, options);
    world.server.answer = [&](const FakeServer::Words& command) {
        return command[0] == "HELLO" ? world.server.usual_answer(command) : "";
    };
    std::string slow;
    std::string behind;
    std::string unanswered;
    const auto test = [&]() -> Task<> {
        co_await until_connections(client, 1);
        world.container.start(note(client, Command("ECHO", "slow"), slow, world.in(10s)));
        co_await sleep(8s);
        world.container.start(note(client, Command("ECHO", "behind"), behind));
        co_await sleep(1s);
        world.server.send("+slow\r\n+behind\r\n");
        co_await sleep(1s);
        CHECK(client.connections() == 1);
        co_await note(client, Command("ECHO", "x"), unanswered, world.in(5s));
        co_await sleep(2s);
        CHECK(client.connections() == 2);
    };
    world.run(test());
    CHECK(slow == "slow");
    CHECK(behind == "behind");
    CHECK(
        unanswered ==
        "in doubt: ECHO on tcp://fake:1: no reply before the deadline, it may have been executed");
}

TEST_CASE("a routine that is closed while it waits takes its reply with it") {
    RedisWorld world;
    Client client(world.scheduler, world.server.options());
    bool answers = false;
    world.server.answer = [&](const FakeServer::Words& command) {
        return answers || command[0] == "HELLO" ? world.server.usual_answer(command) : "";
    };
    std::string closed;
    std::string mine;
    const auto test = [&]() -> Task<> {
        const Ref<Routine> first =
            world.container.start(note(client, Command("ECHO", "theirs"), closed));
        co_await sleep(1s);
        first->close();
        answers = true;
        world.server.send(bulk("theirs"));
        co_await note(client, Command("ECHO", "mine"), mine);
    };
    world.run(test());
    CHECK(closed.empty());
    CHECK(mine == "mine");
    CHECK(client.requests().size() == 0);
}

TEST_CASE("more commands than may wait are refused, and say why none is sent") {
    RedisWorld world;
    world.server.refuses = true;
    ClientOptions options = world.server.options();
    options.max_pending = 2;
    Client client(world.scheduler, options);
    Lines results(3);
    const auto test = [&]() -> Task<> {
        co_await sleep(1s);
        world.container.start(note(client, Command("PING"), results[0]));
        world.container.start(note(client, Command("PING"), results[1]));
        co_await sleep(1ms);
        co_await note(client, Command("PING"), results[2]);
        world.server.refuses = false;
        co_await sleep(5s);
    };
    world.run(test());
    CHECK(results == Lines{"OK", "OK",
                           "limit: PING: 2 commands wait already, as many as are allowed "
                           "(max_pending): connecting to tcp://fake:1: connection refused "
                           "(ECONNREFUSED)"});
}

TEST_CASE("a server that is away is tried again after growing pauses, which differ at random") {
    const auto attempts = [](std::uint64_t seed, Duration time) {
        RedisWorld world(seed);
        world.server.refuses = true;
        Client client(world.scheduler, world.server.options());
        const auto test = [](Duration all) -> Task<> { co_await sleep(all); };
        world.run(test(time));
        CHECK(world.log == Lines{"connecting to tcp://fake:1: connection refused (ECONNREFUSED)"});
        return world.server.attempts;
    };
    CHECK(attempts(1, 1s) >= 3);
    const int in_an_hour = attempts(1, 1h);
    CHECK(in_an_hour > 3600 / 5);
    CHECK(in_an_hour < 3600);
    CHECK(in_an_hour != attempts(2, 1h));
}

TEST_CASE("a client logs in and chooses its database before any command") {
    RedisWorld world;
    ClientOptions options = world.server.options();
    options.login = {"ann", "secret"};
    options.database = 7;
    options.name = "cache";
    SECTION("in version 3") {
        Client client(world.scheduler, options);
        std::string result;
        world.run(note_version(client, result));
        CHECK(world.server.commands ==
              Lines{"HELLO 3 AUTH ann secret SETNAME cache", "SELECT 7", "ECHO x"});
        CHECK(result == "x, version 3");
    }
    SECTION("in version 2, where the server knows no other") {
        world.server.version = 2;
        Client client(world.scheduler, options);
        std::string result;
        world.run(note_version(client, result));
        CHECK(world.server.commands == Lines{"HELLO 3 AUTH ann secret SETNAME cache",
                                             "AUTH ann secret", "CLIENT SETNAME cache", "SELECT 7",
                                             "ECHO x"});
        CHECK(result == "x, version 2");
    }
}

TEST_CASE("a user without a password logs in with an empty one") {
    RedisWorld world;
    ClientOptions options = world.server.options();
    options.login.user = "ann";
    std::string result;
    SECTION("in version 3") {
        Client client(world.scheduler, options);
        world.run(note_version(client, result));
        CHECK(world.server.commands == Lines{"HELLO 3 AUTH ann  SETNAME redis", "ECHO x"});
    }
    SECTION("in version 2") {
        world.server.version = 2;
        Client client(world.scheduler, options);
        world.run(note_version(client, result));
        CHECK(world.server.commands == Lines{"HELLO 3 AUTH ann  SETNAME redis", "AUTH ann ",
                                             "CLIENT SETNAME redis", "ECHO x"});
    }
}

TEST_CASE("each new reason why a server cannot be reached is logged, once") {
    RedisWorld world;
    world.server.refuses = true;
    world.server.answer = [](const FakeServer::Words&) { return "-WRONGPASS no\r\n"; };
    Client client(world.scheduler, world.server.options());
    const auto test = [&]() -> Task<> {
        co_await sleep(1min);
        world.server.refuses = false;
        co_await sleep(1min);
    };
    world.run(test());
    CHECK(world.log == Lines{"connecting to tcp://fake:1: connection refused (ECONNREFUSED)",
                             "HELLO on tcp://fake:1: WRONGPASS no"});
}

TEST_CASE("a wrong password is why nothing is sent, until it is another one") {
    RedisWorld world;
    ClientOptions options = world.server.options();
    options.login.password = "old";
    Client client(world.scheduler, options);
    world.server.answer = [&](const FakeServer::Words& command) -> std::string {
        return command[0] == "HELLO" && command[4] == "old"
                   ? "-WRONGPASS invalid username-password pair\r\n"
                   : world.server.usual_answer(command);
    };
    std::string before;
    std::string after;
    const auto test = [&]() -> Task<> {
        co_await note(client, Command("PING"), before, world.in(1s));
        client.set_login({"", "new"});
        co_await note(client, Command("PING"), after);
    };
    world.run(test());
    CHECK(before ==
          "unavailable: PING: not sent before the deadline: HELLO on tcp://fake:1: WRONGPASS "
          "invalid username-password pair");
    CHECK(after == "OK");
}

TEST_CASE("a script is sent as its digest, and whole only if the server does not know it") {
    RedisWorld world;
    Client client(world.scheduler, world.server.options());
    std::string known;
    world.server.answer = [&](const FakeServer::Words& command) -> std::string {
        if (command[0] == "EVALSHA") {
            return command[1] == known ? ":1\r\n" : "-NOSCRIPT No matching script\r\n";
        }
        if (command[0] == "EVAL") {
            known = script_digest(command[1]);
            return ":1\r\n";
        }
        return world.server.usual_answer(command);
    };
    const auto test = [](Client& c) -> Task<> {
        for (int i = 0; i != 2; ++i) {
            Task<Reply> script = c.script("return 1", {"k"}, {"a"});
            const Reply reply = co_await script;
            CHECK(reply.integer == 1);
        }
    };
    world.run(test(client));
    const std::string digest = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";
    CHECK(world.received() == Lines{"EVALSHA " + digest + " 1 k a", "EVAL return 1 1 k a",
                                    "EVALSHA " + digest + " 1 k a"});
}

TEST_CASE("messages come in order, also after the connection was lost, in both versions") {
    RedisWorld world;
    world.server.version = GENERATE(2, 3);
    const char push = world.server.version == 2 ? '*' : '>';
    ClientOptions options = world.server.options();
    options.channels = {"a", "b"};
    options.patterns = {"n.*"};
    Client client(world.scheduler, options);
    CHECK_THROWS_AS(client.command("PING"), std::invalid_argument);
    Lines messages;
    const auto receive = [](Client& c, Lines& all) -> Task<> {
        while (all.size() != 3) {
            const Message& message = co_await c.next_message();
            all.push_back(message.channel + '|' + message.pattern + '|' + message.payload);
            c.pop_message();
        }
    };
    const auto test = [&]() -> Task<> {
        co_await until_connections(client, 1);
        world.server.send(list_of({"message", "a", "1"}, push) +
                          list_of({"pmessage", "n.*", "n.x", "2"}, push));
        co_await sleep(1s);
        world.server.cut();
        co_await until_connections(client, 2);
        world.server.send(list_of({"message", "b", "3"}, push));
    };
    world.run(receive(client, messages), test());
    CHECK(messages == Lines{"a||1", "n.x|n.*|2", "b||3"});
    CHECK(client.messages() == 3);
    const Lines all = world.received();
    CHECK(std::ranges::count(all, "SUBSCRIBE a b") == 2);
    CHECK(std::ranges::count(all, "PSUBSCRIBE n.*") == 2);
}

TEST_CASE("while messages wait, by number or size, the client reads no more, and stays connected") {
    RedisWorld world;
    ClientOptions options = world.server.options();
    options.channels = {"a"};
    SECTION("so many") {
        options.max_messages = 10;
    }
    SECTION("so many bytes") {
        options.limits.max_size = 100'000;
    }
    Client client(world.scheduler, options);
    const std::string payload(10'000, 'x');
    const auto test = [&]() -> Task<> {
        co_await until_connections(client, 1);
        for (int i = 0; i != 1000; ++i) {
            world.server.send(list_of({"message", "a", payload}, '>'));
        }
        co_await sleep(1h);
        CHECK(client.messages() < 20);
        for (int i = 0; i != 1000; ++i) {
            const Message& message = co_await client.next_message();
            CHECK(message.payload.size() == payload.size());
            client.pop_message();
        }
        CHECK(client.connections() == 1);
    };
    world.run(test());
}

TEST_CASE(
    "a server that is silent is asked whether it is there, and given up if it does not answer") {
    RedisWorld world;
    bool answers = true;
    world.server.answer = [&](const FakeServer::Words& command) {
        return answers || command[0] == "HELLO" ? world.server.usual_answer(command) : "";
    };
    Client client(world.scheduler, world.server.options());
    Lines events;
    const auto watch = [](Lines& all) -> Task<> {
        const MatcherOf<ConnectionChanged> changed = match<ConnectionChanged>("redis");
        for (;;) {
            const Ref<ConnectionChanged> event = co_await changed;
            all.push_back(event->reason);
        }
    };
    world.container.start(watch(events), {.name = "watch", .daemon = true});
    const auto test = [&]() -> Task<> {
        co_await sleep(1h);
        CHECK(client.connections() == 1);
        CHECK(world.received().size() > 100);
        answers = false;
        co_await until_connections(client, 2);
        CHECK(events == Lines{"", "tcp://fake:1 does not answer", ""});
    };
    world.run(test());
}

TEST_CASE("bytes that are no reply end the connection, and the next one is good") {
    RedisWorld world;
    Client client(world.scheduler, world.server.options());
    bool good = false;
    world.server.answer = [&](const FakeServer::Words& command) {
        return good || command[0] == "HELLO" ? world.server.usual_answer(command)
                                             : "HTTP/1.1 400 Bad Request\r\n";
    };
    std::string first;
    std::string second;
    std::string third;
    const auto test = [&]() -> Task<> {
        co_await note(client, Command("ECHO", "1"), first);
        good = true;
        co_await note(client, Command("ECHO", "2"), second);
        world.server.send("+nobody asked\r\n");
        co_await until_connections(client, 3);
        co_await note(client, Command("ECHO", "3"), third);
    };
    world.run(test());
    CHECK(first ==
          "in doubt: ECHO on tcp://fake:1: it may have been executed, the connection was lost "
          "before a reply: reading from tcp://fake:1: this is no reply of the Redis protocol: "
          "'HTTP/1.1 400 Bad Request'");
    CHECK(second + third == "23");
}

TEST_CASE("a client that is destroyed fails its commands") {
    RedisWorld world;
    auto client = std::make_unique<Client>(world.scheduler, world.server.options());
    world.server.answer = [&](const FakeServer::Words& command) {
        return command[0] == "HELLO" ? world.server.usual_answer(command) : "";
    };
    std::string sent;
    std::string unsent;
    const auto test = [&]() -> Task<> {
        co_await until_connections(*client, 1);
        world.container.start(note(*client, Command("INCR", "a"), sent));
        co_await sleep(1s);
        world.server.refuses = true;
        world.server.cut();
        co_await sleep(1s);
        world.container.start(note(*client, Command("INCR", "b"), unsent));
        co_await sleep(1s);
        client.reset();
        co_await sleep(1s);
    };
    world.run(test());
    CHECK(sent.starts_with("in doubt: "));
    CHECK(unsent == "closed: INCR: client closed");
}

TEST_CASE("under lost connections no command is executed twice unless it is safe to repeat") {
    for (std::uint64_t seed = 1; seed != 50; ++seed) {
        INFO("seed " << seed);
        RedisWorld world(seed);
        world.server.faults = {.most_at_once = 40, .most_delay = 20ms, .reset_after = 900};
        ClientOptions options = world.server.options();
        options.command_timeout = 2s;
        Client client(world.scheduler, options);
        constexpr int count = 60;
        std::map<std::string, int> executed;
        world.server.answer = [&](const FakeServer::Words& command) {
            ++executed[command.back()];
            return world.server.usual_answer(command);
        };
        std::vector<std::string> results(count);
        const auto test = [&]() -> Task<> {
            for (int i = 0; i != count; ++i) {
                world.container.start(note(client, Command("ECHO", i).safe_to_repeat(i % 3 == 0),
                                           results[std::size_t(i)]));
                co_await sleep(Duration(world.poller.random() % 100'000'000));
            }
            co_await sleep(10s);
        };
        world.run(test());
        int answered = 0;
        for (int i = 0; i != count; ++i) {
            const std::string name = std::to_string(i);
            const std::string& result = results[std::size_t(i)];
            INFO(name << ": " << result);
            if (i % 3 != 0) {
                CHECK(executed[name] <= 1);
            }
            if (result == name) {
                ++answered;
                CHECK(executed[name] >= 1);
            } else if (result.starts_with("unavailable: ") && i % 3 != 0) {
                CHECK(executed[name] == 0);
            } else {
                CHECK((result.starts_with("in doubt: ") || result.starts_with("unavailable: ")));
            }
        }
        CHECK(answered > count / 3);
        CHECK(client.connections() > 1);
        CHECK(client.requests().size() == 0);
    }
}
