#include "modules/zookeeper/digest_login.h"

#include <string>

#include <catch2/catch.hpp>

#include "modules/zookeeper/test_world.h"

using namespace weir;
using namespace weir::zookeeper;

namespace {

constexpr const char* challenge =
    R"(realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",)"
    R"(algorithm=md5-sess,charset=utf-8)";

DigestLogin example() {
    return {.user = "chris",
            .password = "secret",
            .client_nonce = "OA6MHXh6VqTrRk",
            .uri = "imap/elwood.innosoft.com"};
}

std::string refusal_of(std::string_view text) {
    DigestLogin login = example();
    try {
        login.answer(text);
    } catch (const LoginError& error) {
        return error.what();
    }
    return {};
}

// The state in which a session with these credentials ends, or connects, and the error of a
// request.
Task<> expect(Session& session, SessionState state, std::string expected) {
    std::string error;
    try {
        co_await session.connected();
        co_await session.create("/mine");
        co_await session.remove("/mine");
    } catch (const Error&) {  // what it says of the first request depends on when it was made
    }
    CHECK(session.state() == state);
    auto asking = session.get("/");
    if (state == SessionState::connected) {
        co_await asking;
        co_await session.close();
    } else {
        error = co_await error_of<ClosedError>(asking);
    }
    CHECK_THAT(error, Catch::Contains(expected));
}

}  // namespace

TEST_CASE("a login proves that it knows the password as the standard's example does") {
    DigestLogin login = example();
    CHECK(login.answer(challenge) ==
          R"(charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",)"
          R"(nc=00000001,cnonce="OA6MHXh6VqTrRk",digest-uri="imap/elwood.innosoft.com",)"
          R"(response=d388dad90d4bbd760a152321f2143af7,qop=auth)");
    CHECK(login.is_proven_by("rspauth=ea40f60335c427b5527b84dbabcdfffd"));
    CHECK_FALSE(login.is_proven_by("rspauth=ea40f60335c427b5527b84dbabcdfffe"));
    CHECK_FALSE(login.is_proven_by("other=1"));
}

TEST_CASE("a login says what it cannot answer") {
    CHECK(refusal_of("algorithm=md5-sess") ==
          "the server asks for another login than by DIGEST-MD5");
    CHECK(refusal_of("nonce=1,algorithm=sha-256") ==
          "the server asks for another login than by DIGEST-MD5");
    CHECK(refusal_of(R"(nonce="1",algorithm=md5-sess,qop="auth-int, auth-conf")") ==
          "the server wants the connection encrypted by SASL; use tls:// instead");
    CHECK(refusal_of(R"(nonce="1",algorithm=md5-sess,qop="auth-int,auth")").empty());
    CHECK(refusal_of(R"(nonce="1)") == "a message of the login ends within quotes");
    CHECK(refusal_of("nonce") == "a message of the login is not of the form name=value");
    CHECK(refusal_of("=1") == "a message of the login is not of the form name=value");
}

TEST_CASE("directives of a login are read with blanks, quotes and escapes") {
    const auto directives = read_directives(" , a = \"x\\\"\\\\,y\" ,,b=1\t,a=2, c=");
    CHECK(directives.size() == 3);
    CHECK(directives.at("a") == R"(x"\,y)");
    CHECK(directives.at("b") == "1");
    CHECK(directives.at("c").empty());
}

TEST_CASE("a session logs in at each server by SASL, and is refused for a wrong password") {
    FakeOptions servers;
    servers.login = "j\xc3\xb6rg:\"s\\e:cret";
    FakeWorld world(1, servers);
    SessionOptions options = world.ensemble.options();
    Session nobody(world.scheduler, options);
    options.credentials = {{"sasl", "j\xc3\xb6rg:wrong"}};
    Session wrong(world.scheduler, options);
    options.credentials = {{"digest", "ann:right"}, {"sasl", servers.login}};
    Session right(world.scheduler, options);
    const auto reconnects = [](FakeWorld& w, Session& session) -> Task<> {
        for (std::size_t i = 0; i != 3; ++i) {
            co_await session.sync("/");
            w.ensemble.disconnect_clients();
        }
        co_await session.sync("/");
        CHECK(w.ensemble.received(OpCode::sasl) >= 4 * 2);
        co_await expect(session, SessionState::connected, "");
    };
    world.run(
        expect(nobody, SessionState::refused,
               "a login by SASL is required, and has not succeeded (-124)"),
        expect(wrong, SessionState::refused,
               "refuses the login: a login by SASL is required, and has not succeeded (-124)"),
        reconnects(world, right));
}

TEST_CASE("a session that shall log in asks nothing of servers that know no login") {
    FakeWorld world;
    SessionOptions options = world.ensemble.options();
    options.credentials = {{"sasl", "ann:secret"}};
    Session session(world.scheduler, options);
    world.run(expect(session, SessionState::refused, "knows no login by SASL"));
    CHECK(world.ensemble.received(OpCode::create2) == 0);
}

TEST_CASE("credentials that cannot be a login are refused at once") {
    FakeWorld world;
    SessionOptions options = world.ensemble.options();
    options.credentials = {{"sasl", "ann"}};
    CHECK_THROWS_WITH(Session(world.scheduler, options),
                      "the credentials of a ZooKeeper session: for the scheme sasl, the text is "
                      "USER:PASSWORD");
    options.credentials = {{"sasl", "ann:a"}, {"sasl", "bob:b"}};
    CHECK_THROWS_WITH(Session(world.scheduler, options),
                      "the credentials of a ZooKeeper session: a session logs in by the scheme "
                      "sasl once only");
}
