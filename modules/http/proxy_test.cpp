#include "modules/http/proxy.h"

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <uv.h>

#include "modules/http/http_error.h"
#include "modules/http/router.h"
#include "modules/http/test_world.h"

namespace weir::http {

namespace {

using namespace std::chrono_literals;

// A proxy at /api/* of a server, and the server behind, both in memory.
struct ProxyWorld {
    explicit ProxyWorld(Handler of_behind, ProxyOptions options = {})
        : behind(std::move(of_behind)),
          front([this](Exchange& exchange) { return router.handle(exchange); }) {
        options.connector = [this](Url url) { return connect(std::move(url)); };
        options.report = [this](const std::string& failure) { reports.push_back(failure); };
        front.client.address = "tcp://192.0.2.7:50123";
        proxy = std::make_unique<Proxy>(front.scheduler, "http://behind:81/v1/", options);
        for (const char* method : {"GET", "POST"}) {
            routes.push_back(router.add(
                method, "/api/*", [this](Exchange& exchange) { return proxy->handle(exchange); }));
        }
    }

    Task<ByteStream::Owner> connect(Url url) {
        if (refuses) {
            throw StreamError("connecting to " + url.origin(), UV_ECONNREFUSED);
        }
        auto [here, there] = memory_pair(front.scheduler);
        served.start(serve(std::move(there), behind), {.name = "serve", .daemon = true});
        co_return std::move(here);
    }
    Task<> serve(ByteStream::Owner stream, const Handler& handler) {
        const Client client;
        Traffic traffic;
        const HttpLimits limits;
        Connection connection(*stream, limits, client, handler, traffic);
        const std::function<bool()> last = [] { return true; };
        try {
            if (!(co_await stream->peek()).empty()) {
                static_cast<void>(co_await connection.serve_request(last));
            }
            co_await stream->finish();
        } catch (const StreamError& error) {
            behind_failure = error.what();
        }
    }

    // Returns what is answered to the requests, one connection for all. A client that ended its
    // output before it has its answer would have gone.
    std::string send(std::vector<std::string> requests, Duration pause = 5s) {
        return front.send(std::move(requests), pause);
    }

    // Sends a request by a connection of its own, and notes the answer.
    Task<> ask(std::string request) {
        auto [here, there] = memory_pair(front.scheduler);
        served.start(serve(std::move(there), front.handler), {.name = "serve", .daemon = true});
        co_await here->write(std::move(request));
        std::string& answer = answers.emplace_back();
        for (std::string_view bytes = co_await here->read_some(); !bytes.empty();
             bytes = co_await here->read_some()) {
            answer += bytes;
        }
    }
    Task<> ask_after(Duration pause, std::string request) {
        co_await sleep(pause);
        Task<> asking = ask(std::move(request));
        co_await asking;
    }

    Handler behind;
    Router router;
    HttpWorld front;
    Container served{front.scheduler};
    std::unique_ptr<Proxy> proxy;
    std::vector<std::unique_ptr<Route>> routes;
    std::vector<std::string> reports;
    std::list<std::string> answers;  // to ask(), in the order of the requests
    bool refuses = false;
    std::string behind_failure;
};

// Answers with the request that has come.
Task<> show_request(Exchange& exchange) {
    std::string text = std::string(exchange.request().method) + " " +
                       std::string(exchange.request().target) + "\n";
    for (const Header& header : exchange.request().headers()) {
        text.append(header.name).append(": ").append(header.value).append("\n");
    }
    text += co_await exchange.read_all();
    Response response{.body = std::move(text)};
    response.headers.set("X-Own", "kept");
    co_await exchange.respond(std::move(response));
}

std::string get(const std::string& target, const std::string& headers = "") {
    return "GET " + target + " HTTP/1.1\r\nHost: shop.example\r\n" + headers + "\r\n";
}

bool is_in(const std::string& part, const std::string& text) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a request passes with its own headers, and with who asks") {
    ProxyWorld world(show_request);
    const std::string answer =
        world.send({get("/api/a%20b/c?d=e",
                        "X-Mine: 1\r\nX-Forwarded-For: 10.0.0.1\r\nX-Forwarded-User: root"
                        "\r\nX-Hop: 2\r\nConnection: keep-alive, X-Hop\r\n")});
    CHECK(is_in("HTTP/1.1 200 OK", answer));
    CHECK(is_in("X-Own: kept\r\n", answer));
    CHECK(
        is_in("GET /v1/a%20b/c?d=e\nHost: behind:81\nX-Mine: 1\nX-Forwarded-For: 192.0.2.7\n"
              "X-Real-IP: 192.0.2.7\nX-Forwarded-Proto: http\nX-Forwarded-Host: "
              "shop.example\nUser-Agent:",
              answer));
    CHECK_FALSE(is_in("root", answer));
    CHECK_FALSE(is_in("X-Hop", answer));
    CHECK(world.proxy->passed() == 1);
}

TEST_CASE("a header that the server behind has for its connection alone does not pass back") {
    ProxyWorld world([](Exchange& exchange) -> Task<> {
        Response response;
        response.headers.set("X-Hop", "2");
        response.headers.set("X-Own", "kept");
        response.headers.set("Connection", "keep-alive,\tX-Hop");
        co_await exchange.respond(std::move(response));
    });
    const std::string answer = world.send({get("/api/a")});
    CHECK(is_in("X-Own: kept\r\n", answer));
    CHECK_FALSE(is_in("X-Hop", answer));
}

TEST_CASE("a header that a server behind could take for one of the proxy does not pass") {
    ProxyWorld world(show_request);
    const std::string answer = world.send(
        {get("/api/a",
             "X_Forwarded_User: root\r\nx_forwarded-for: root\r\nX.Forwarded.Host: root\r\n"
             "X-Forwarded-Groups: root\r\nTransfer_Encoding: root\r\nApi_Key: mine\r\n")});
    CHECK_FALSE(is_in("root", answer));
    CHECK(is_in("Api_Key: mine\n", answer));
}

TEST_CASE("bodies pass, short ones with their length and long ones in pieces") {
    ProxyWorld world(show_request);
    const std::string text(200'000, 'x');
    const auto post = [](const std::string& body) {
        return "POST /api/x HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) +
               "\r\n\r\n" + body;
    };
    const std::string answer = world.send({post("short"), post(text)});
    CHECK(is_in("Content-Length: 5\nshort", answer));
    CHECK(is_in("Transfer-Encoding: chunked\n" + text, answer));
}

TEST_CASE("a server behind that cannot be reached is told about once, and not to clients") {
    ProxyWorld world(show_request);
    world.refuses = true;
    const std::string answer = world.send({get("/api/a"), get("/api/b")});
    CHECK(is_in("HTTP/1.1 502 Bad Gateway", answer));
    CHECK(is_in("\"code\":\"bad_gateway\"", answer));
    CHECK_FALSE(is_in("behind:81", answer));
    REQUIRE(world.reports.size() == 1);
    CHECK(is_in("GET http://behind:81/v1/a: connecting to", world.reports.front()));
    CHECK(world.proxy->failed() == 2);
}

TEST_CASE("a server behind that is too slow is 504") {
    ProxyOptions options;
    options.timeout = 2s;
    ProxyWorld world(
        [](Exchange& exchange) -> Task<> {
            co_await sleep(1min);
            co_await exchange.respond(Response());
        },
        options);
    CHECK(is_in("HTTP/1.1 504 Gateway Timeout", world.send({get("/api/a")})));
}

TEST_CASE("the time in which a client sends a long body is not that of the server behind") {
    ProxyOptions options;
    options.timeout = 3s;
    const auto upload = [](const std::string& framing, const std::string& piece) {
        std::vector<std::string> pieces{"POST /api/x HTTP/1.1\r\nHost: h\r\n" + framing +
                                        "\r\n\r\n"};
        pieces.insert(pieces.end(), 10, piece);
        return pieces;
    };
    const std::string bytes(10'000, 'x');
    SECTION("a server that answers in time") {
        ProxyWorld world(show_request, options);
        const std::string answer = world.send(upload("Content-Length: 100000", bytes), 2s);
        CHECK(is_in("HTTP/1.1 200 OK", answer));
        CHECK(is_in(std::string(100'000, 'x'), answer));
        CHECK(world.reports.empty());
    }
    SECTION("a server that does not answer") {
        std::size_t received = 0;
        ProxyWorld world(
            [&](Exchange& exchange) -> Task<> {
                received = (co_await exchange.read_all()).size();
                co_await sleep(1min);
                co_await exchange.respond(Response());
            },
            options);
        std::vector<std::string> pieces =
            upload("Transfer-Encoding: chunked", "2710\r\n" + bytes + "\r\n");
        pieces.emplace_back("0\r\n\r\n");
        CHECK(is_in("HTTP/1.1 504 Gateway Timeout", world.send(std::move(pieces), 2s)));
        CHECK(received == 100'000);
        CHECK(world.reports.size() == 1);
    }
    SECTION("a server that answers before it has the body") {
        ProxyWorld world([](Exchange& exchange) { return exchange.respond({.status = 403}); },
                         options);
        CHECK(is_in("HTTP/1.1 403 Forbidden",
                    world.send(upload("Content-Length: 100000", bytes), 2s)));
    }
    SECTION("a server that does not read the body") {
        ProxyWorld world(
            [](Exchange& exchange) -> Task<> {
                co_await sleep(1min);
                co_await exchange.respond(Response());
            },
            options);
        const std::string large(100'000, 'x');
        CHECK(is_in("HTTP/1.1 504 Gateway Timeout",
                    world.send(upload("Content-Length: 1000000", large), 1ms)));
        CHECK(world.reports.size() == 1);
    }
}

TEST_CASE("a request is admitted when its body is there, or so much of it that it is long") {
    Duration admitted{};
    ProxyOptions options;
    options.admit = [&](Exchange& exchange) -> Task<std::unique_ptr<Admission>> {
        admitted = exchange.scheduler().now().time_since_epoch();
        co_return std::make_unique<Admission>();
    };
    ProxyWorld world(show_request, options);
    const Duration begun = world.front.scheduler.now().time_since_epoch();
    SECTION("a short body") {
        const std::string answer = world.send(
            {"POST /api/a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n", "bo", "dy"}, 5s);
        CHECK(is_in("Content-Length: 4\nbody", answer));
        CHECK(admitted - begun == 10s);
    }
    SECTION("a short one in chunks") {
        const std::string answer =
            world.send({"POST /api/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
                        "2\r\nbo\r\n", "2\r\ndy\r\n", "0\r\n\r\n"},
                       5s);
        CHECK(is_in("Content-Length: 4\nbody", answer));
        CHECK(admitted - begun == 15s);
    }
    SECTION("a long one") {
        const std::string half(50'000, 'x');
        const std::string answer = world.send(
            {"POST /api/a HTTP/1.1\r\nHost: h\r\nContent-Length: 150000\r\n\r\n", half, half, half},
            5s);
        CHECK(is_in("Transfer-Encoding: chunked\n" + half + half + half, answer));
        CHECK(admitted - begun == 10s);
    }
}

TEST_CASE("a response that breaks off does not look complete") {
    ProxyWorld world([](Exchange& exchange) -> Task<> {
        co_await exchange.begin(200, Headers());
        co_await exchange.write("half");
        throw StreamError("a test", UV_EIO);
    });
    const std::string answer = world.send({get("/api/a")});
    CHECK(is_in("half", answer));
    CHECK_FALSE(answer.ends_with("0\r\n\r\n"));
}

TEST_CASE("paths that the server behind could read otherwise do not pass") {
    for (const char* path : {"/api/../x", "/api/%2e%2e/x", "/api/a%2fb", "/api/./x", "/api/..;/x",
                             "/api/%252e./x", "/api/a%5cb", "/api/a%252fb", "/api/a%25255cb"}) {
        ProxyWorld world(show_request);
        CHECK(is_in("HTTP/1.1 400 Bad Request", world.send({get(path)})));
        CHECK(world.proxy->passed() == 0);
    }
}

TEST_CASE("paths that the server behind could take for those of a narrower route pass if wanted") {
    for (const char* path :
         {"/api//admin/x", "/api/;/admin/x", "/api/admin;x/y", "/api/admin%3bx/y",
          "/api/admin%20/x", "/api/admin%2520", "/api/a%0a"}) {
        ProxyWorld world(show_request);
        CHECK(is_in("HTTP/1.1 400 Bad Request", world.send({get(path)})));
        CHECK(world.proxy->passed() == 0);
        ProxyOptions options;
        options.any_path = true;
        ProxyWorld wanted(show_request, options);
        CHECK(is_in("HTTP/1.1 200 OK", wanted.send({get(path)})));
    }
    ProxyWorld world(show_request);
    CHECK(is_in("GET /v1/a/\n", world.send({get("/api/a/")})));
}

TEST_CASE("what a client claims of its address, or of another target or method, does not pass") {
    ProxyWorld world(show_request);
    const std::string answer =
        world.send({get("/api/a",
                        "X-Real-IP: evil\r\nx_real_ip: evil\r\nTrue-Client-IP: evil\r\n"
                        "Proxy: evil\r\nX-Original-URL: evil\r\nX-Rewrite-URL: evil\r\n"
                        "X-HTTP-Method-Override: evil\r\nX-Host: evil\r\n")});
    CHECK_FALSE(is_in("evil", answer));
    CHECK(is_in("X-Real-IP: 192.0.2.7\n", answer));
}

TEST_CASE("an answer is not kept for all although its connection hides that it is for one") {
    ProxyOptions options;
    options.cache = CacheOptions{.time = 10s};
    ProxyWorld world(
        [](Exchange& exchange) -> Task<> {
            Response response{.body = "mine"};
            response.headers.set("Connection", "Vary, Set-Cookie");
            response.headers.set("Vary", "Accept");
            response.headers.set("Set-Cookie", "a=b");
            co_await exchange.respond(std::move(response));
        },
        options);
    CHECK(is_in("mine", world.send({get("/api/a"), get("/api/a")})));
    CHECK(world.proxy->cached() == 0);
}

TEST_CASE("cached answers reach the server behind once, until something changes") {
    int asked = 0;
    ProxyOptions options;
    options.cache = CacheOptions{.time = 10s};
    ProxyWorld world(
        [&](Exchange& exchange) -> Task<> {
            ++asked;
            Response response{.body = "answer " + std::to_string(asked)};
            co_await exchange.respond(std::move(response));
        },
        options);
    const std::string post = "POST /api/a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n";
    const std::string answer =
        world.send({get("/api/a"), get("/api/a"), get("/api/a?x"),
                    get("/api/a", "Range: bytes=0-1\r\n"), post, get("/api/a")},
                   1s);
    CHECK(asked == 5);
    CHECK(is_in("Age: 1\r\nCache-Status: weir; hit\r\n", answer));
    CHECK(is_in("answer 5", answer));
    CHECK(world.proxy->cached() == 1);
}

TEST_CASE(
    "a cached answer is for requests that say who they are if the server behind calls it public") {
    for (const std::string allows : {"max-age=60", "public, max-age=60"}) {
        ProxyOptions options;
        options.cache = CacheOptions{.time = 10s};
        ProxyWorld world(
            [&allows](Exchange& exchange) -> Task<> {
                Response response{.body = "for all"};
                response.headers.set("Cache-Control", allows);
                co_await exchange.respond(std::move(response));
            },
            options);
        world.send({get("/api/a"), get("/api/a", "Cookie: a=b\r\n"), get("/api/a")}, 1s);
        const bool is_public = allows.starts_with("public");
        CHECK(world.proxy->passed() == (is_public ? 1 : 2));
        CHECK(world.proxy->cached() == (is_public ? 2 : 1));
    }
}

TEST_CASE("a cached answer is for those who ask for the same host") {
    ProxyOptions options;
    options.cache = CacheOptions{.time = 10s};
    ProxyWorld world(
        [](Exchange& exchange) -> Task<> {
            Response response{.body = "of " +
                                      std::string(*exchange.request().header("X-Forwarded-Host"))};
            co_await exchange.respond(std::move(response));
        },
        options);
    world.front.client.hosts = {"*"};
    const std::string evil = "GET /api/a HTTP/1.1\r\nHost: evil.example\r\n\r\n";
    const std::string answer = world.send({evil, get("/api/a"), get("/api/a")}, 1s);
    CHECK(is_in("of evil.example", answer));
    CHECK(is_in("of shop.example", answer));
    CHECK(world.proxy->passed() == 2);
    CHECK(world.proxy->cached() == 1);
}

TEST_CASE("a cached answer is for those who send the same in the headers that tell them apart") {
    ProxyOptions options;
    options.cache = CacheOptions{.time = 10s, .headers = {"X-Tenant", "Accept-Encoding"}};
    ProxyWorld world(
        [](Exchange& exchange) -> Task<> {
            const Request& request = exchange.request();
            Response response{
                .body = "for " + std::string(request.header("X-Tenant").value_or("none")) + " in " +
                        std::string(request.header("Accept-Encoding").value_or("plain"))};
            response.headers.set("Vary", "x-tenant");
            co_await exchange.respond(std::move(response));
        },
        options);
    const auto as = [](const std::string& headers) { return get("/api/a", headers); };
    const std::string answer =
        world.send({as(""), as("X-Tenant: a\r\n"), as("X-Tenant: b\r\n"), as("x-tenant: a\r\n"),
                    as("Accept-Encoding: br\r\n"), as("X-Other: c\r\n")},
                   1s);
    for (const char* text :
         {"for none in plain", "for a in plain", "for b in plain", "for none in br"}) {
        CHECK(is_in(text, answer));
    }
    CHECK(world.proxy->passed() == 4);
    CHECK(world.proxy->cached() == 2);
}

TEST_CASE("a cached answer is kept by the headers that the server behind has got") {
    ProxyOptions options;
    options.cache = CacheOptions{.time = 10s, .headers = {"Accept-Language"}};
    ProxyWorld world(
        [](Exchange& exchange) -> Task<> {
            Response response{.body = "(in"};
            for (const Header& header : exchange.request().headers()) {
                if (header.name.starts_with("Accept")) {
                    response.body.append(" ").append(header.value);
                }
            }
            response.body += ")";
            co_await exchange.respond(std::move(response));
        },
        options);
    const std::string german = "Accept-Language: de\r\n";
    // Another name for CGI programs alone, which read the last of both.
    const std::string twin = german + "Accept_Language: fr\r\n";
    const std::string answer = world.send(
        {get("/api/a", german + "Connection: accept-language\r\n"), get("/api/a", german),
         get("/api/a"), get("/api/b", twin), get("/api/b", german)},
        1s);
    std::string bodies;
    for (std::size_t at = answer.find('('); at < answer.size(); at = answer.find('(', at + 1)) {
        bodies += answer.substr(at, answer.find(')', at) + 1 - at);
    }
    CHECK(bodies == "(in)(in de)(in)(in de)(in de)");
    CHECK(world.proxy->passed() == 3);
}

TEST_CASE("an answer that was under way when its target changed is not kept") {
    std::string state = "old";
    Duration reading{};
    Duration writing{};
    ProxyOptions options;
    options.cache = CacheOptions{.time = 1min};
    ProxyWorld world(
        [&](Exchange& exchange) -> Task<> {
            Response response{.body = state};
            if (exchange.request().method == "POST") {
                co_await sleep(writing);
                state = "new";
                response.body = "done";
                co_await exchange.respond(std::move(response));
                co_return;
            }
            co_await sleep(reading);
            co_await exchange.respond(std::move(response));
        },
        options);
    const std::string post = "POST /api/a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n";
    SECTION("an answer that is slow") {
        reading = 4s;
        world.front.run(world.ask_after(0s, get("/api/a")), world.ask_after(1s, post),
                        world.ask_after(10s, get("/api/a")));
        CHECK(world.answers.front().ends_with("old"));
    }
    SECTION("an answer that overtakes a slow change") {
        writing = 4s;
        world.front.run(world.ask_after(0s, post), world.ask_after(1s, get("/api/a")),
                        world.ask_after(10s, get("/api/a")));
        CHECK(std::next(world.answers.begin())->ends_with("old"));
    }
    CHECK(world.answers.back().ends_with("new"));
    CHECK(world.proxy->cached() == 0);
}

TEST_CASE("a request that is not admitted does not pass, and admission lasts as long as it") {
    struct Counted final : Admission {
        explicit Counted(int& of_count) : count(of_count) { ++count; }
        ~Counted() override { --count; }
        int& count;
    };
    int inside = 0;
    int most = 0;
    bool admits = true;
    ProxyOptions options;
    options.admit = [&](Exchange&) -> Task<std::unique_ptr<Admission>> {
        if (!admits) {
            throw HttpError(429, "limit_reached", "no more");
        }
        co_return std::make_unique<Counted>(inside);
    };
    ProxyWorld world(
        [&](Exchange& exchange) -> Task<> {
            most = std::max(most, inside);
            admits = false;
            co_await exchange.respond(Response());
        },
        options);
    const std::string answer = world.send({get("/api/a"), get("/api/b")});
    CHECK(is_in("HTTP/1.1 200 OK", answer));
    CHECK(is_in("HTTP/1.1 429 Too Many Requests", answer));
    CHECK(most == 1);
    CHECK(inside == 0);
    CHECK(world.proxy->passed() == 1);
}

}  // namespace weir::http
