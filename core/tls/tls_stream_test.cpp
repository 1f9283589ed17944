#include <array>
#include <optional>
#include <tuple>
#include <vector>

#include <catch2/catch.hpp>

#include "core/stream/memory_stream.h"
#include "core/tls/tls_context.h"
#include "core/wait/timeout.h"
#include "tests/support/certificates.h"
#include "tests/support/virtual_world.h"

namespace weir {

using namespace std::chrono_literals;
using testing::Authority;

namespace {

// A client and a server with TLS between them over memory, in virtual time.
struct TlsWorld : test::VirtualWorld {
    explicit TlsWorld(const MemoryFaults& faults = {}, std::uint64_t seed = 1)
        : VirtualWorld(seed) {
        std::tie(client_below, server_below) = memory_pair(scheduler, {}, faults);
        server_options.certificates = {authority.sign("server")};
        client_options.authorities = authority.file();
    }

    void wrap(const std::string& host = "localhost") {
        server = TlsContext::server(server_options)->accept(std::move(server_below));
        client = TlsContext::client(client_options)->connect(std::move(client_below), host);
    }
    // Shakes hands; notes why each side has failed.
    Task<> open(ByteStream& stream, std::string& failure) {
        try {
            co_await stream.open();
        } catch (const StreamError& error) {
            failure = error.what();
        }
    }
    void shake_hands(const std::string& host = "localhost") {
        wrap(host);
        run(open(*client, client_failure), open(*server, server_failure));
    }

    Authority authority;
    TlsOptions server_options;
    TlsOptions client_options;
    ByteStream::Owner client_below;
    ByteStream::Owner server_below;
    ByteStream::Owner client;
    ByteStream::Owner server;
    std::string client_failure;
    std::string server_failure;
};

Task<> echo_all(ByteStream& stream) {
    co_await stream.open();
    co_await stream.copy_to(stream);
    co_await stream.finish();
}

Task<> send_and_receive(ByteStream& stream, std::string bytes, std::string& received) {
    co_await stream.open();
    co_await stream.write(bytes.substr(0, 5));
    co_await stream.write(bytes.substr(5));
    co_await stream.shutdown();
    for (;;) {
        const std::string_view some = co_await stream.read_some();
        if (some.empty()) {
            co_return;
        }
        received += some;
    }
}

// Why the task failed; empty if it did not.
template <class T>
Task<> note_reason(Task<T> task, std::string& reason) {
    try {
        co_await std::move(task);
    } catch (const StreamError& error) {
        reason = error.what();
    }
}

}  // namespace

TEST_CASE("bytes pass through TLS whole and in order, however the stream below cuts them") {
    for (std::uint64_t seed = 1; seed != 8; ++seed) {
        TlsWorld w({.most_at_once = seed % 2 == 0 ? 1000U : 100'000U, .most_delay = 2ms}, seed);
        w.wrap();
        std::string bytes;
        for (int i = 0; i != 20'000; ++i) {
            bytes += std::to_string(i);
        }
        std::string received;
        w.run(echo_all(*w.server), send_and_receive(*w.client, bytes, received));
        CHECK(received == bytes);
        CHECK(w.client->peer() == "TLS on memory");
    }
}

TEST_CASE("bytes that are written before the handshake has ended wait for it") {
    TlsWorld w({.most_delay = 1s});
    w.wrap();
    std::string line;
    const auto write = [&]() -> Task<> {
        co_await w.client->write("early\n");
        co_await w.client->drain();
    };
    const auto read = [&]() -> Task<> { line = (co_await w.server->read_line(64)).value(); };
    w.run(write(), read());
    CHECK(line == "early");
}

TEST_CASE("both sides know what they have agreed on") {
    TlsWorld w;
    w.server_options.protocols = {"h2", "http/1.1"};
    w.client_options.protocols = {"spdy", "http/1.1"};
    w.server_options.authorities = w.authority.file();
    w.client_options.certificates = {w.authority.sign("client", {.name = "ann"})};
    CHECK(w.client_below->tls() == nullptr);
    w.shake_hands();
    CHECK(w.client_failure.empty());
    CHECK(w.server_failure.empty());
    const TlsInfo& client = *w.client->tls();
    const TlsInfo& server = *w.server->tls();
    CHECK(client.version == "TLSv1.3");
    CHECK(client.cipher == server.cipher);
    CHECK(client.protocol == "http/1.1");
    CHECK(server.protocol == "http/1.1");
    CHECK(server.server_name == "localhost");
    CHECK(client.peer == "CN=localhost");
    CHECK(server.peer == "CN=ann");
}

TEST_CASE("a client refuses a certificate that it cannot trust, and says why") {
    TlsWorld w;
    std::string host = "localhost";
    std::string reason;
    SECTION("for another host") {
        host = "example.org";
        reason = "hostname mismatch";
    }
    SECTION("for another address") {
        host = "127.0.0.2";
        reason = "IP address mismatch";
    }
    SECTION("expired") {
        w.server_options.certificates = {w.authority.sign("old", {.begins = -7200, .ends = -3600})};
        reason = "certificate has expired";
    }
    SECTION("of an unknown authority") {
        Authority other;
        w.server_options.certificates = {other.sign("server")};
        w.shake_hands();
        CHECK(w.client_failure ==
              "TLS handshake with TLS on memory: certificate signature failure");
        return;
    }
    SECTION("of no authority of the system") {
        w.client_options.authorities.clear();
        reason = "unable to get local issuer certificate";
    }
    w.shake_hands(host);
    CHECK(w.client_failure == "TLS handshake with TLS on memory: " + reason);
    CHECK(w.client->tls() == nullptr);
    CHECK_THAT(w.server_failure, Catch::StartsWith("TLS handshake with TLS on memory: "));
}

TEST_CASE("an IP address is verified as one, and a client may do without") {
    TlsWorld w;
    SECTION("the address of the certificate") {
        w.shake_hands("127.0.0.1");
    }
    SECTION("without verification") {
        w.client_options.verify = false;
        w.shake_hands("example.org");
    }
    CHECK(w.client_failure.empty());
    CHECK(w.server_failure.empty());
}

TEST_CASE("a server refuses a client without the certificate that it asks for") {
    TlsWorld w;
    w.server_options.authorities = w.authority.file();
    w.wrap();
    std::string read_failure;
    const auto use = [&]() -> Task<> {
        co_await w.client->open();
        co_await w.client->read_some();
    };
    w.run(note_reason(use(), read_failure), w.open(*w.server, w.server_failure));
    CHECK(w.server_failure ==
          "TLS handshake with TLS on memory: peer did not return a certificate");
    CHECK_THAT(read_failure, Catch::Contains("certificate required"));
}

TEST_CASE("peers without a common protocol do not talk") {
    TlsWorld w;
    w.server_options.protocols = {"h2"};
    w.client_options.protocols = {"http/1.1"};
    w.shake_hands();
    CHECK_THAT(w.client_failure, Catch::Contains("no application protocol"));
    CHECK_FALSE(w.server_failure.empty());
}

TEST_CASE("a server shows the certificate for the name that the client asks for") {
    TlsWorld w;
    w.server_options.certificates = {
        w.authority.sign("first", {.name = "first", .alternatives = "DNS:first.test"}),
        w.authority.sign("second", {.name = "second", .alternatives = "DNS:second.test"})};
    w.shake_hands("second.test");
    CHECK(w.client_failure.empty());
    CHECK(w.client->tls()->peer == "CN=second");
}

TEST_CASE("a handshake that never ends fails at its deadline") {
    TlsWorld w;
    w.server_options.handshake_timeout = 3s;
    w.server = TlsContext::server(w.server_options)->accept(std::move(w.server_below));
    w.run(w.open(*w.server, w.server_failure));
    CHECK(w.server_failure == "TLS handshake with TLS on memory: connection timed out (ETIMEDOUT)");
    CHECK(w.scheduler.now().time_since_epoch() == 3s);
}

TEST_CASE("a peer that does not speak TLS fails the handshake") {
    TlsWorld w;
    w.server = TlsContext::server(w.server_options)->accept(std::move(w.server_below));
    w.run(w.client_below->write("GET / HTTP/1.1\r\n\r\n"), w.open(*w.server, w.server_failure));
    CHECK(w.server_failure == "TLS handshake with TLS on memory: http request");
}

TEST_CASE("a peer that goes during the handshake fails it") {
    TlsWorld w;
    w.server = TlsContext::server(w.server_options)->accept(std::move(w.server_below));
    const auto go = [&]() -> Task<> {
        co_await w.client_below->write("\x16\x03");
        w.client_below.reset();
    };
    w.run(go(), w.open(*w.server, w.server_failure));
    CHECK(w.server_failure ==
          "TLS handshake with TLS on memory: the peer closed the connection during the handshake");
}

TEST_CASE("one direction of TLS may end before the other") {
    TlsWorld w;
    w.wrap();
    std::string question;
    std::string answer;
    const auto ask = [&]() -> Task<> {
        co_await w.client->open();
        co_await w.client->write("question");
        co_await w.client->shutdown();
        answer = co_await w.client->read_exactly(6);
        const auto first_answer = co_await w.client->read_some();
        CHECK(first_answer.empty());
    };
    const auto answer_it = [&]() -> Task<> {
        co_await w.server->open();
        question = co_await w.server->read_exactly(8);
        const auto second_answer = co_await w.server->read_some();
        CHECK(second_answer.empty());
        co_await sleep(1s);
        co_await w.server->write("answer");
        co_await w.server->finish();
    };
    w.run(ask(), answer_it());
    CHECK(question == "question");
    CHECK(answer == "answer");
}

TEST_CASE("an input that ends without close_notify is an error unless the protocol can tell") {
    TlsWorld w;
    const bool required = GENERATE(true, false);
    w.client_options.require_close_notify = required;
    // Between them is an attacker, who passes everything on and then ends the stream to the client.
    auto [client_side, attacker] = memory_pair(w.scheduler);
    w.client = TlsContext::client(w.client_options)->connect(std::move(client_side), "localhost");
    w.server = TlsContext::server(w.server_options)->accept(std::move(w.server_below));
    std::string failure;
    std::string end;
    std::string received;
    const auto cut = [&, &to_client = *attacker]() -> Task<> {
        co_await note_reason(w.client_below->copy_to(to_client, w.scheduler.now() + 1s), end);
        co_await to_client.shutdown();
    };
    const auto serve = [&]() -> Task<> {
        co_await w.server->open();
        co_await w.server->write("part");
        co_await w.server->drain();
    };
    const auto read = [&]() -> Task<> {
        co_await w.client->open();
        received = co_await w.client->read_exactly(4);
        const auto answer_read = co_await w.client->read_some();
        CHECK(answer_read.empty());
    };
    const auto use = [&]() -> Task<> {
        co_await note_reason(read(), failure);
        w.client.reset();
    };
    w.run(note_reason(attacker->copy_to(*w.client_below), end), cut(), serve(), use());
    CHECK(received == "part");
    CHECK(failure == (required ? "reading from TLS on memory: the connection ended without "
                                 "close_notify, so that bytes may be missing"
                               : ""));
}

TEST_CASE("new streams use the files that were read again, and open ones go on") {
    TlsWorld w;
    const std::shared_ptr<TlsContext> context = TlsContext::server(w.server_options);
    const std::shared_ptr<TlsContext> trusting = TlsContext::client(w.client_options);
    w.server = context->accept(std::move(w.server_below));
    w.client = trusting->connect(std::move(w.client_below), "localhost");
    ByteStream::Owner renewed_server;
    ByteStream::Owner renewed_client;
    std::string received;
    const auto test = [&]() -> Task<> {
        co_await w.client->open();
        CHECK(w.client->tls()->peer == "CN=localhost");
        w.authority.sign("server", {.name = "renewed"});
        context->reload();
        auto [below, above] = memory_pair(w.scheduler);
        renewed_server = context->accept(std::move(below));
        renewed_client = trusting->connect(std::move(above), "localhost");
        w.container.start(renewed_server->open());
        co_await renewed_client->open();
        CHECK(renewed_client->tls()->peer == "CN=renewed");
        co_await send_and_receive(*w.client, "still there", received);
    };
    w.run(test(), echo_all(*w.server));
    CHECK(received == "still there");
}

TEST_CASE("files that are wrong are named, and change nothing") {
    TlsWorld w;
    TlsOptions wrong = w.server_options;
    wrong.certificates.front().key = "/nowhere/key.pem";
    CHECK_THROWS_WITH(TlsContext::server(wrong),
                      "reading the key /nowhere/key.pem: no such file or directory");
    wrong.certificates.front().key = "/dev/null";
    CHECK_THROWS_WITH(TlsContext::server(wrong),
                      "reading the key /dev/null: it is not a regular file");
    wrong = w.server_options;
    wrong.certificates.front().key = w.authority.sign("other").key;
    CHECK_THROWS_WITH(TlsContext::server(wrong), Catch::Contains("key values mismatch"));
    CHECK_THROWS_WITH(TlsContext::server({}),
                      "setting TLS up: a server needs a certificate and its key");
    wrong = w.client_options;
    wrong.authorities = "/nowhere/authorities.pem";
    CHECK_THROWS_WITH(TlsContext::client(wrong),
                      Catch::StartsWith("reading the authorities in /nowhere/authorities.pem: "));

    const std::shared_ptr<TlsContext> context = TlsContext::server(w.server_options);
    std::filesystem::remove(w.server_options.certificates.front().key);
    CHECK_THROWS_AS(context->reload(), TlsError);
    w.server = context->accept(std::move(w.server_below));
    w.client =
        TlsContext::client(w.client_options)->connect(std::move(w.client_below), "localhost");
    w.run(w.open(*w.client, w.client_failure), w.open(*w.server, w.server_failure));
    CHECK(w.client_failure.empty());
}

}  // namespace weir
