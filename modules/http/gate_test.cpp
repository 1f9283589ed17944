#include "modules/http/gate.h"

#include <memory>
#include <string>

#include "modules/http/test_world.h"
#include "modules/system/rights/access.h"

namespace weir::http {

namespace {

// A server with the user ann, password secret, who may do all.
struct GateWorld {
    GateWorld()
        : world([this](Exchange& exchange) { return gate->handle(exchange, handler); }),
          access(world.scheduler) {
        world.client.hosts = {"localhost", "shop.example"};
        world.client.login_source = "127.0.0.1";
        world.client.anonymous =
            Ref<Caller>(new Caller(access.rules(), "", std::vector<std::string>{"guest"}));
        gate = std::make_unique<Gate>(access, settings());
    }

    void add_user() {
        ::setenv("WEIR_GATE_TEST", "secret", 1);
        UserSettings user;
        user.password_variable = "WEIR_GATE_TEST";
        user.roles = {"admin"};
        access.change({}, {{"ann", user}});
    }

    std::string ask(const std::string& headers, const std::string& method = "GET") {
        return world.send({method + " / HTTP/1.1\r\n" + headers + "\r\n"});
    }

    static GateSettings settings() {
        GateSettings made;
        made.origins = {"https://friend.example"};
        made.headers.set("X-Frame-Options", "DENY");
        return made;
    }

    // Answers with the user; what only admins may do by POST.
    Handler handler = [](Exchange& exchange) -> Task<> {
        if (exchange.request().method == "POST") {
            exchange.caller()->require({"bakery", "order", false});
        }
        Response response{.body = "user '" + exchange.caller()->user() + "'"};
        co_await exchange.respond(std::move(response));
    };
    std::unique_ptr<Gate> gate;
    HttpWorld world;
    Access access;
};

std::string status(const std::string& answered) {
    return answered.substr(9, 3);
}

bool has(const std::string& answered, const std::string& text) {
    return answered.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("a server answers to its own names and to addresses only") {
    const std::vector<std::string> names = {"localhost"};
    for (const char* host : {"localhost", "LOCALHOST:8080", "localhost.", "127.0.0.1",
                             "10.0.0.7:80", "[::1]:80", "[::1]"}) {
        INFO(host);
        CHECK(Gate::knows_host(host, names));
    }
    for (const char* host :
         {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "[", "[x]",
          "127.0.0.1@evil.example", "localhost:80@evil.example", "[::1]evil.example", "[::1]:x"}) {
        INFO(host);
        CHECK_FALSE(Gate::knows_host(host, names));
    }
    CHECK(Gate::knows_host("any.example", {"*"}));
    CHECK(host_name("Shop.Example.:80") == "shop.example");
    CHECK(host_name("[::1]:80") == "::1");
    CHECK_FALSE(host_name("shop.example:x"));
    GateWorld world;
    const std::string answered = world.ask("Host: evil.example\r\n");
    CHECK(status(answered) == "421");
    CHECK(has(answered, R"("code":"unknown_host")"));
    CHECK(has(answered, "\r\nX-Frame-Options: DENY\r\n"));
}

TEST_CASE("a page of another site changes nothing, and reads only if it is allowed") {
    const std::string host = "Host: shop.example:8080\r\n";
    const std::string evil = "Origin: https://evil.example\r\n";
    {
        GateWorld world;
        CHECK(status(world.ask(host + evil, "POST")) == "403");
    }
    {
        GateWorld world;
        const std::string answered = world.ask(host + evil);
        CHECK(status(answered) == "200");  // the browser keeps it from the page
        CHECK_FALSE(has(answered, "Access-Control"));
    }
    for (const char* origin : {"null", "http://shop.example", "http://shop.example:8080.evil"}) {
        INFO(origin);
        GateWorld world;
        const std::string answered =
            world.ask(host + "Origin: " + std::string(origin) + "\r\n", "POST");
        CHECK(has(answered, "foreign_origin"));
    }
    {
        GateWorld world;
        CHECK_FALSE(has(world.ask(host + "Origin: http://shop.example:8080\r\n", "POST"),
                        "foreign_origin"));
    }
    for (const char* site : {"cross-site", "same-site"}) {
        INFO(site);
        GateWorld world;
        CHECK(has(world.ask(host + "Sec-Fetch-Site: " + std::string(site) + "\r\n", "POST"),
                  "foreign_origin"));
    }
    for (const char* site : {"same-origin", "none"}) {
        INFO(site);
        GateWorld world;
        CHECK_FALSE(has(world.ask(host + "Sec-Fetch-Site: " + std::string(site) + "\r\n", "POST"),
                        "foreign_origin"));
    }
    {
        GateWorld world;  // a link of another site to this one
        CHECK(status(world.ask(host + "Sec-Fetch-Site: cross-site\r\n")) == "200");
    }
    const std::string allowed = "\r\nAccess-Control-Allow-Origin: https://friend.example\r\n";
    {
        GateWorld world;
        CHECK(has(world.ask(host + "Origin: https://friend.example\r\n"), allowed));
    }
    {
        GateWorld world;
        const std::string asked = world.ask(host +
                                                "Origin: https://friend.example\r\n"
                                                "Access-Control-Request-Method: POST\r\n",
                                            "OPTIONS");
        CHECK(status(asked) == "204");
        CHECK(has(asked, allowed));
        CHECK(has(asked, "\r\nAccess-Control-Allow-Methods: "));
    }
}

TEST_CASE("a page of another site opens no WebSocket, whose messages it could read") {
    const std::string upgrade =
        "Host: shop.example:8080\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    const auto ask = [&upgrade](const std::string& more) {
        GateWorld world;
        return world.ask(upgrade + more);
    };
    CHECK(has(ask("Origin: https://evil.example\r\n"), "foreign_origin"));
    CHECK(has(ask("Origin: null\r\n"), "foreign_origin"));
    CHECK(status(ask("Origin: https://shop.example:8080\r\n")) == "200");
    CHECK(status(ask("Origin: https://friend.example\r\n")) == "200");
    CHECK(status(ask("")) == "200");  // no browser
}

TEST_CASE("a client logs in with Basic or Bearer, and wrong passwords wait their turn") {
    const std::string host = "Host: localhost\r\n";
    const auto login = [&](const std::string& authorization) {
        GateWorld world;
        world.add_user();
        return world.ask(host + "Authorization: " + authorization + "\r\n");
    };
    CHECK(login("Basic YW5uOnNlY3JldA==").ends_with("user 'ann'"));  // ann:secret
    CHECK(login("bearer ann.secret").ends_with("user 'ann'"));
    for (const char* wrong :
         {"Basic YW5uOg==", "Bearer ann.", "Bearer ann", "Basic %", "Digest a"}) {
        INFO(wrong);
        GateWorld world;
        world.add_user();
        std::string answered;
        world.world.container.start(world.world.serve(), {.name = "serve"});
        world.world.container.start(
            world.world.write_all(
                {"GET / HTTP/1.1\r\n" + host + "Authorization: " + wrong + "\r\n\r\n"}, {}),
            {.name = "write"});
        world.world.container.start(world.world.read_all(answered), {.name = "read"});
        world.world.scheduler.run();
        CHECK(status(answered) == "401");
        CHECK(has(answered, "\r\nWWW-Authenticate: Basic "));
        CHECK(has(answered, R"("code":"wrong_login")"));
    }
}

TEST_CASE("who lacks a right is told to log in, or else which right it lacks") {
    const std::string host = "Host: localhost\r\n";
    {
        GateWorld world;
        const std::string answered = world.ask(host, "POST");
        CHECK(status(answered) == "403");  // nobody can log in
        CHECK(has(answered, "bakery.order"));
    }
    {
        GateWorld world;
        world.add_user();
        const std::string answered = world.ask(host, "POST");
        CHECK(status(answered) == "401");
        CHECK(has(answered, R"("code":"denied")"));
        CHECK_FALSE(has(answered, "admin"));
        CHECK_FALSE(has(answered, "guest"));
        CHECK(has(answered, "\r\nWWW-Authenticate: Basic "));
    }
    {
        GateWorld world;
        world.add_user();
        CHECK(world.ask(host + "Authorization: Bearer ann.secret\r\n", "POST")
                  .ends_with("user 'ann'"));
    }
}

}  // namespace weir::http
