#include "core/net/stream_server.h"

#include <algorithm>
#include <vector>

#include "core/net/connect.h"
#include "core/net/socket_error.h"
#include "tests/support/certificates.h"
#include "tests/support/net.h"

namespace weir {

using namespace std::chrono_literals;

namespace {

Task<> echo(StreamClient& client) {
    while (const auto line = co_await client->read_line(1024)) {
        co_await client->write("you said " + std::string(*line) + "\n");
    }
}

Task<std::string> ask(ByteStream& stream, std::string question) {
    co_await stream.write(question + "\n");
    co_return std::string((co_await stream.read_line(1024)).value_or("(the end)"));
}

// Answers each request with the name of the handler, as a module's version would.
StreamHandler version(std::string name) {
    return [name](StreamClient& client) -> Task<> {
        while (co_await client.next()) {
            const std::string line((co_await client->read_line(1024)).value());
            co_await sleep(line == "slow" ? 200ms : 0ms);
            co_await client->write(name + "\n");
        }
        co_await client->write("bye\n");
    };
}

// The same, but it leaves a request that has come in part to the next version.
StreamHandler version_for_whole_requests(std::string name) {
    return [name](StreamClient& client) -> Task<> {
        for (;;) {
            bool has_come = co_await client.next();
            while (has_come && client->input().find('\n') == std::string_view::npos) {
                has_come = co_await client.more(client->input().size());
            }
            if (!has_come) {
                break;
            }
            const std::string line((co_await client->read_line(1024)).value());
            co_await client->write(name + " " + line + "\n");
        }
    };
}

Task<> end(StreamServer& server) {
    server.shutdown();
    co_await server.ended();
}

}  // namespace

TEST_CASE("a client and a server speak in straight code") {
    testing::World w;
    const std::string chosen = GENERATE("tcp://localhost:0", "tcp://127.0.0.1:0", "");
    const std::string address = chosen.empty() ? w.socket() : chosen;
    const auto test = [&]() -> Task<> {
        const auto server = co_await listen(address, echo);
        const ByteStream::Owner stream = co_await connect(server->local().text());
        const auto answer_read = co_await ask(*stream, "hello");
        CHECK(answer_read == "you said hello");
        CHECK(stream->peer() == server->local().text());
        co_await stream->finish();
        co_await end(*server);
    };
    w.run(test());
    CHECK(w.logged == std::vector<std::string>());
}

TEST_CASE("a server without a host is reached by IPv4 and by IPv6") {
    testing::World w;
    const auto test = [&]() -> Task<> {
        const auto server = co_await listen("tcp://:0", echo);
        const std::string port = std::to_string(server->local().port());
        const ByteStream::Owner v4 = co_await connect("tcp://127.0.0.1:" + port);
        const auto first_answer = co_await ask(*v4, "4");
        CHECK(first_answer == "you said 4");
        if (server->addresses().size() == 2) {  // this machine has IPv6
            const ByteStream::Owner v6 = co_await connect("tcp://[::1]:" + port);
            const auto second_answer = co_await ask(*v6, "6");
            CHECK(second_answer == "you said 6");
        }
    };
    w.run(test());
}

TEST_CASE("TLS works between sockets as plain bytes do") {
    testing::World w;
    testing::Authority authority;
    SocketServerOptions options;
    options.tls = TlsContext::server({.certificates = {authority.sign("server")}});
    ConnectOptions trusting;
    trusting.tls = TlsContext::client({.authorities = authority.file()});
    const auto test = [&]() -> Task<> {
        const auto server = co_await listen("tls://localhost:0", echo, options);
        const std::string address = "tls://localhost:" + std::to_string(server->local().port());
        const ByteStream::Owner stream = co_await connect(address, trusting);
        const auto answer_read = co_await ask(*stream, "secret");
        CHECK(answer_read == "you said secret");
        CHECK(stream->tls()->version == "TLSv1.3");
        CHECK_THAT(stream->peer(), Catch::StartsWith("tls://"));
        co_await stream->finish();

        std::string reason;
        try {
            static_cast<void>(co_await connect(address));  // trusts the system's authorities
        } catch (const TlsError& error) {
            reason = error.what();
        }
        CHECK_THAT(reason, Catch::EndsWith("unable to get local issuer certificate"));
        co_await end(*server);
    };
    w.run(test());
}

TEST_CASE("a server with a tls:// address needs a certificate") {
    testing::World w;
    CHECK_THROWS_AS(StreamServer(w.scheduler, "tls://localhost:0", echo), AddressError);
}

TEST_CASE("connecting and listening fail with the reason") {
    testing::World w;
    const auto test = [&]() -> Task<> {
        std::string reason;
        try {
            static_cast<void>(co_await connect("unix:/nowhere/socket"));
        } catch (const StreamError& error) {
            reason = error.what();
        }
        CHECK(reason == "connecting to unix:/nowhere/socket: no such file or directory (ENOENT)");
        try {
            static_cast<void>(co_await listen("unix:/nowhere/socket", echo));
        } catch (const SocketError& error) {
            reason = error.what();
        }
        CHECK(reason == "listening on unix:/nowhere/socket: no such file or directory (ENOENT)");
    };
    w.run(test());
}

TEST_CASE("more clients than the limit wait until one has gone") {
    testing::World w;
    const auto test = [&]() -> Task<> {
        SocketServerOptions options;
        options.max_connections = 1;
        const auto server = co_await listen(w.socket(), echo, options);
        ByteStream::Owner first = co_await connect(w.socket());
        const auto first_answer = co_await ask(*first, "1");
        CHECK(first_answer == "you said 1");
        const ByteStream::Owner second = co_await connect(w.socket());
        co_await second->write("2\n");
        int code = 0;
        try {
            co_await second->peek(1, w.scheduler.now() + 50ms);
        } catch (const StreamError& error) {
            code = error.code();
        }
        CHECK(code == UV_ETIMEDOUT);
        CHECK(server->open() == 1);
        first.reset();
        const auto second_answer = co_await second->read_line(64);
        CHECK(second_answer == "you said 2");
    };
    w.run(test());
}

TEST_CASE("a shutdown lets handlers answer, and ends the clients in order") {
    testing::World w;
    const auto test = [&]() -> Task<> {
        const auto server = co_await listen(w.socket(), version("one"));
        ByteStream::Owner idle = co_await connect(w.socket());
        const ByteStream::Owner busy = co_await connect(w.socket());
        const auto first_answer = co_await ask(*idle, "quick");
        CHECK(first_answer == "one");
        co_await busy->write("slow\n");
        co_await busy->drain();
        while (server->open() != 2) {
            co_await do_events();
        }
        co_await sleep(20ms);
        server->shutdown();
        const auto last = co_await idle->read_line(64);
        CHECK(last == "bye");
        const auto second_answer = co_await idle->read_line(64);
        CHECK_FALSE(second_answer);
        const auto third_answer = co_await busy->read_line(64);
        CHECK(third_answer == "one");
        const auto fourth_answer = co_await busy->read_line(64);
        CHECK(fourth_answer == "bye");
        const auto fifth_answer = co_await busy->read_line(64);
        CHECK_FALSE(fifth_answer);
        idle.reset();
        co_await busy->finish();
        co_await server->ended();
    };
    w.run(test());
}

TEST_CASE("a server that was shut down can listen again") {
    testing::World w;
    const bool has_ended = GENERATE(false, true);
    const auto test = [&]() -> Task<> {
        const auto server = co_await listen(w.socket(), version("one"));
        const ByteStream::Owner first = co_await connect(w.socket());
        const auto first_answer = co_await ask(*first, "quick");
        CHECK(first_answer == "one");
        server->shutdown();
        const auto last = co_await first->read_line(64);
        CHECK(last == "bye");
        if (has_ended) {
            co_await first->finish();
            co_await server->ended();
        }
        server->start_listening();
        const bool is_listening = co_await server->listening();
        CHECK(is_listening);
        const ByteStream::Owner second = co_await connect(w.socket());
        const auto second_answer = co_await ask(*second, "quick");
        CHECK(second_answer == "one");
        if (!has_ended) {
            const auto no_answer = co_await first->read_line(64);
            CHECK_FALSE(no_answer);  // it still ends
            co_await first->finish();
        }
        server->shutdown();
        const auto last_again = co_await second->read_line(64);
        CHECK(last_again == "bye");
        co_await second->finish();
        co_await server->ended();
    };
    w.run(test());
}

TEST_CASE("a handler that asks for no next request sees the end of its input at a shutdown") {
    testing::World w;
    const auto test = [&]() -> Task<> {
        const auto server = co_await listen(w.socket(), echo);
        const ByteStream::Owner stream = co_await connect(w.socket());
        const auto first_answer = co_await ask(*stream, "hello");
        CHECK(first_answer == "you said hello");
        server->shutdown();
        const auto second_answer = co_await stream->read_line(64);
        CHECK_FALSE(second_answer);
        co_await stream->finish();
        co_await server->ended();
        CHECK(server->open() == 0);
    };
    w.run(test());
    CHECK(w.logged == std::vector<std::string>());
}

TEST_CASE("clients between two requests are handed to another handler, others after their answer") {
    testing::World w;
    const auto test = [&]() -> Task<> {
        const auto server = co_await listen(w.socket(), version("one"));
        const ByteStream::Owner idle = co_await connect(w.socket());
        const ByteStream::Owner busy = co_await connect(w.socket());
        const auto first_answer = co_await ask(*idle, "quick");
        CHECK(first_answer == "one");
        co_await busy->write("slow\nquick\n");
        co_await busy->drain();
        co_await sleep(20ms);
        server->hand_to(version("two"));
        const auto second_answer = co_await ask(*idle, "quick");
        CHECK(second_answer == "two");
        CHECK(server->with_former_handlers() == 1);
        const auto third_answer = co_await busy->read_line(64);
        CHECK(third_answer == "one");
        const auto fourth_answer = co_await busy->read_line(64);
        CHECK(fourth_answer == "two");
        CHECK(server->with_former_handlers() == 0);
    };
    w.run(test());
}

TEST_CASE("a request that has come in part is handed to another handler, and survives a shutdown") {
    testing::World w;
    const auto test = [&]() -> Task<> {
        const auto server = co_await listen(w.socket(), version_for_whole_requests("one"));
        const ByteStream::Owner client = co_await connect(w.socket());
        co_await client->write("hel");
        co_await client->drain();
        co_await sleep(20ms);
        server->hand_to(version_for_whole_requests("two"));
        CHECK(server->with_former_handlers() == 1);
        co_await sleep(20ms);
        CHECK(server->with_former_handlers() == 0);
        const auto answer = co_await ask(*client, "lo");
        CHECK(answer == "two hello");
        co_await client->write("good");
        co_await client->drain();
        co_await sleep(20ms);
        server->shutdown();
        const auto last_answer = co_await ask(*client, "bye");
        CHECK(last_answer == "two goodbye");
        co_await client->finish();
        co_await server->ended();
    };
    w.run(test());
    CHECK(w.logged == std::vector<std::string>());
}

TEST_CASE("a handler that fails ends its client alone") {
    testing::World w;
    const auto test = [&]() -> Task<> {
        const auto server = co_await listen(w.socket(), [](StreamClient& client) -> Task<> {
            const auto line = co_await client->read_line(64);
            if (line == "throw") {
                throw std::runtime_error("a handler that throws");
            }
            co_await client->write("fine\n");
        });
        const ByteStream::Owner first = co_await connect(w.socket());
        const ByteStream::Owner second = co_await connect(w.socket());
        const auto first_answer = co_await ask(*first, "throw");
        CHECK(first_answer == "(the end)");
        const auto second_answer = co_await ask(*second, "hello");
        CHECK(second_answer == "fine");
    };
    w.run(test());
    REQUIRE(w.logged.size() == 1);
    CHECK_THAT(w.logged.front(), Catch::Contains("a handler that throws"));
}

TEST_CASE("large transfers pass in both directions at once") {
    testing::World w;
    const auto test = [&]() -> Task<> {
        const auto server = co_await listen("tcp://127.0.0.1:0", [](StreamClient& c) -> Task<> {
            co_await c->copy_to(c.stream());
        });
        const ByteStream::Owner stream = co_await connect(server->local().text());
        const std::string block(100'000, 'x');
        std::size_t received = 0;
        const Ref<Routine> reader =
            w.container.start([](ByteStream& from, std::size_t& count) -> Task<> {
                for (;;) {
                    const std::string_view some = co_await from.read_some();
                    if (some.empty()) {
                        co_return;
                    }
                    count += some.size();
                }
            }(*stream, received));
        for (int n = 0; n != 50; ++n) {
            co_await stream->write(block);
        }
        co_await stream->shutdown();
        while (!reader->ended()) {
            co_await do_events();
        }
        CHECK(received == 5'000'000);
    };
    w.run(test());
}

}  // namespace weir
