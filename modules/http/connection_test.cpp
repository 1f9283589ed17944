#include "modules/http/connection.h"

#include <array>
#include <chrono>
#include <stdexcept>
#include <string>

#include "modules/http/http_error.h"
#include "modules/http/test_world.h"

namespace weir::http {

using namespace std::chrono_literals;

namespace {

// Answers with method, path and body.
Task<> echo(Exchange& exchange) {
    Response response;
    response.body.append(exchange.request().method).append(" ").append(exchange.request().path);
    const std::string body = co_await exchange.read_all();
    response.body += " " + body + "\n";
    co_await exchange.respond(std::move(response));
}

// Answers without looking at the body.
Task<> hello(Exchange& exchange) {
    Response response{.body = "hello\n"};
    co_await exchange.respond(std::move(response));
}

// Sends each piece of the body back as it comes.
Task<> stream_back(Exchange& exchange) {
    co_await exchange.begin(200, {});
    for (;;) {
        const std::string_view bytes = co_await exchange.read();
        if (bytes.empty()) {
            co_return;
        }
        co_await exchange.write(std::string(bytes));
    }
}

Task<> fail(Exchange& exchange) {
    if (exchange.request().path == "/late") {
        co_await exchange.begin(200, {});
        co_await exchange.write("half");
    }
    throw std::runtime_error("the secret reason");
}

std::string problem(std::string_view status, std::string_view code, std::string_view detail) {
    const std::string body = R"({"type":"about:blank","title":")" + std::string(status.substr(4)) +
                             R"(","status":)" + std::string(status.substr(0, 3)) + R"(,"code":")" +
                             std::string(code) + R"(","detail":")" + std::string(detail) + "\"}\n";
    return answer(
        status,
        "Content-Type: application/problem+json\r\nContent-Length: " + std::to_string(body.size()) +
            "\r\n" +
            (status.starts_with("400") || status.starts_with("408") ? "Connection: close\r\n" : ""),
        body);
}

const std::string get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

}  // namespace

TEST_CASE("responses are counted by their class, with their bytes and the time until they begin") {
    const std::string posted =
        "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    const std::string rest = "0\r\n\r\n" + get + "nonsense\r\n\r\n";
    HttpWorld world(echo);
    const std::string answers = world.send({posted, rest}, 100ms);
    CHECK(world.traffic.responses == std::array<std::uint64_t, 5>{0, 2, 0, 1, 0});
    CHECK(world.traffic.time.count() == 2);  // a request that is none has no time
    CHECK(world.traffic.time.sum() == 100ms);
    CHECK(world.traffic.received ==
          (posted + rest).size() - std::string("nonsense\r\n\r\n").size());
    CHECK(world.traffic.sent == answers.size());
}

TEST_CASE("a stream counts as a response when it begins") {
    const Handler slow = [](Exchange& exchange) -> Task<> {
        co_await exchange.begin(200, {});
        co_await sleep(1h);
        co_await exchange.write("late");
    };
    HttpWorld world(slow);
    world.send({get}, 2h);
    CHECK(world.traffic.responses == std::array<std::uint64_t, 5>{0, 1, 0, 0, 0});
    CHECK(world.traffic.time.sum() == 0ms);
}

TEST_CASE("pipelined requests are answered in their order, however their bytes come") {
    const std::string requests =
        "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
        "POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nd"
        "ef\r\n0\r\n\r\n"
        "\r\nGET /c HTTP/1.1\r\nHost: x\r\n\r\n";
    const std::string answers = answer("200 OK", "Content-Length: 12\r\n", "POST /a abc\n") +
                                answer("200 OK", "Content-Length: 12\r\n", "POST /b def\n") +
                                answer("200 OK", "Content-Length: 8\r\n", "GET /c \n");
    for (std::uint64_t seed = 1; seed != 30; ++seed) {
        INFO(seed);
        HttpWorld world(echo, {}, MemoryFaults{.most_at_once = seed % 7 + 1}, seed);
        CHECK(world.send({requests}) == answers);
        CHECK(world.served == 3);
    }
}

TEST_CASE("a connection ends when the client, its version or the server says so") {
    const std::string closed =
        answer("200 OK", "Content-Length: 6\r\nConnection: close\r\n", "hello\n");
    const std::string kept =
        answer("200 OK", "Connection: keep-alive\r\nContent-Length: 6\r\n", "hello\n");
    {
        HttpWorld world(hello);
        CHECK(world.send({"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + get}) ==
              closed);
    }
    {
        HttpWorld world(hello);
        CHECK(world.send({"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
                          "GET / HTTP/1.0\r\n\r\n" + get}) == kept + closed);
    }
    {
        HttpWorld world(hello);
        world.last = true;
        CHECK(world.send({get + get}) == closed);
    }
}

TEST_CASE("a client that expects to be asked for the body is asked when the handler wants it") {
    const std::string request =
        "POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    {
        HttpWorld world(echo);
        CHECK(world.send({request, "abc"}, 1ms) ==
              "HTTP/1.1 100 Continue\r\n\r\n" +
                  answer("200 OK", "Content-Length: 12\r\n", "POST /a abc\n"));
    }
    {
        HttpWorld world(hello);  // answers without the body, which may never come
        CHECK(world.send({request}) ==
              answer("200 OK", "Content-Length: 6\r\nConnection: close\r\n", "hello\n"));
    }
}

TEST_CASE("HEAD is answered with the length of a body that is not sent") {
    HttpWorld world(hello);
    const std::string head = "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n";
    CHECK(world.send({head + get}) == answer("200 OK", "Content-Length: 6\r\n", "") +
                                          answer("200 OK", "Content-Length: 6\r\n", "hello\n"));
}

TEST_CASE("a response without a known length is chunked, and ends the connection in HTTP/1.0") {
    {
        HttpWorld world(stream_back);
        CHECK(world.send({"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
                          "3\r\nabc\r\n", "2\r\nde\r\n", "0\r\n\r\n"},
                         1ms) == answer("200 OK", "Transfer-Encoding: chunked\r\n",
                                        "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"));
    }
    {
        HttpWorld world(stream_back);
        CHECK(world.send({"POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc"}) ==
              answer("200 OK", "Connection: close\r\n", "abc"));
    }
}

TEST_CASE("a body is read no faster than its handler reads it") {
    const auto slow = [](Exchange& exchange) -> Task<> {
        co_await sleep(1h);
        const std::string body = co_await exchange.read_all();
        Response response{.body = std::to_string(body.size())};
        co_await exchange.respond(std::move(response));
    };
    HttpWorld world(slow, HttpLimits{.body = 10'000'000});
    std::string answered;
    std::size_t in_memory = 0;
    const auto look = [](HttpWorld& at, std::size_t& pending) -> Task<> {
        co_await sleep(30min);
        pending = at.server_side->input().size() + at.client_side->pending();
    };
    std::vector<std::string> pieces{
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\nConnection: close\r\n\r\n"};
    pieces.resize(501, std::string(10'000, 'x'));
    world.run(world.serve(), world.write_all(std::move(pieces), {}), world.read_all(answered),
              look(world, in_memory));
    CHECK(answered.ends_with("\r\n5000000"));
    CHECK(in_memory < 200'000);
}

TEST_CASE("a body that the handler did not read is skipped, or ends the connection if it is long") {
    const auto post = [](std::size_t size) {
        return "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(size) +
               "\r\n\r\n" + std::string(size, 'x');
    };
    {
        HttpWorld world(hello);
        CHECK(world.send({post(60'000) + get}) ==
              answer("200 OK", "Content-Length: 6\r\n", "hello\n") +
                  answer("200 OK", "Content-Length: 6\r\n", "hello\n"));
    }
    {
        HttpWorld world(hello);
        CHECK(world.send({post(70'000) + get}) ==
              answer("200 OK", "Content-Length: 6\r\nConnection: close\r\n", "hello\n"));
    }
}

TEST_CASE("a client that is too slow gets an error, and its connection is closed") {
    {
        HttpWorld world(echo);
        const std::string sent = world.send({"GET / HT", "TP/1.1\r\n"}, 20s);
        CHECK(sent.find("HTTP/1.1 408 ") == 0);
        CHECK(sent.find("the head of the request has not come") != std::string::npos);
    }
    {
        HttpWorld world(echo);
        const std::string sent =
            world.send({"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na"}, 60s);
        CHECK(sent.find("HTTP/1.1 408 ") == 0);
        CHECK(sent.find("the body of the request has not come") != std::string::npos);
    }
}

TEST_CASE("a client that sends its body byte by byte has a time for all of it") {
    HttpWorld world(echo);
    std::vector<std::string> pieces{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n"};
    pieces.resize(60, "a");
    const std::string sent = world.send(std::move(pieces), 20s);
    CHECK(sent.find("HTTP/1.1 408 ") == 0);
}

TEST_CASE("a client that goes is noticed, however much it has sent behind a request that waits") {
    Duration waited{};
    const auto wait = [&waited](Exchange& exchange) -> Task<> {
        struct Note {
            Scheduler& scheduler;
            Duration& noted;
            ~Note() { noted = scheduler.now().time_since_epoch(); }
        };
        const Note note{exchange.scheduler(), waited};
        const auto sleep_long = []() -> Task<> { co_await sleep(1h); };
        co_await exchange.while_connected(sleep_long());
    };
    std::string behind;
    while (behind.size() < 300'000) {
        behind += get;
    }
    HttpWorld world(wait);
    world.run(world.serve(), world.write_all({get, behind}, 1min));
    CHECK(waited == 2min);
    HttpWorld bounded(wait, HttpLimits{.head = 10'000, .body = 10'000});
    bounded.run(bounded.serve(), bounded.write_all({get, behind}, 1min));
    CHECK(waited == 1min);
    CHECK(bounded.failure.find("too much has come behind it") != std::string::npos);
}

TEST_CASE("a client that takes nothing of its response is given up") {
    const auto endless = [](Exchange& exchange) -> Task<> {
        co_await exchange.begin(200, {});
        for (;;) {
            co_await exchange.write(std::string(10'000, 'x'));
        }
    };
    HttpWorld world(endless);
    world.run(world.serve(), world.write_all({get}, {}));
    CHECK(world.failure.find("timed out") != std::string::npos);
    CHECK(world.scheduler.now().time_since_epoch() >= 30s);
}

TEST_CASE("a client that reads a long response steadily gets all of it, however long it takes") {
    const std::string body(3'000'000, 'x');
    const auto respond = [&body](Exchange& exchange) -> Task<> {
        Response response{.body = body};
        co_await exchange.respond(std::move(response));
    };
    HttpWorld world(respond);
    std::string answered;
    const auto read_slowly = [](ByteStream& stream, std::string& bytes) -> Task<> {
        for (;;) {
            const std::string_view piece = co_await stream.read_some(16 * 1024);
            if (piece.empty()) {
                break;
            }
            bytes += piece;
            co_await sleep(1s);
        }
    };
    world.run(world.serve(), world.write_all({get}, 10min),
              read_slowly(*world.client_side, answered));
    CHECK(world.failure == "");
    CHECK(answered.ends_with("\r\n\r\n" + body));
    CHECK(world.scheduler.now().time_since_epoch() >= 3min);
}

TEST_CASE("a client that stops reading a long response is given up soon, whenever it stops") {
    const auto respond = [](Exchange& exchange) -> Task<> {
        Response response{.body = std::string(3'000'000, 'x')};
        co_await exchange.respond(std::move(response));
    };
    HttpWorld world(respond);
    const auto read_some = [](ByteStream& stream) -> Task<> {
        for (std::size_t got = 0; got < 1'000'000;) {
            got += (co_await stream.read_some(16 * 1024)).size();
            co_await sleep(1s);
        }
    };
    Time given_up{};
    const auto serve = [](HttpWorld& served, Time& end) -> Task<> {
        co_await served.serve();
        end = served.scheduler.now();
    };
    world.run(serve(world, given_up), world.write_all({get}, 10min), read_some(*world.client_side));
    CHECK(world.failure.find("timed out") != std::string::npos);
    CHECK(given_up.time_since_epoch() > 80s);
    CHECK(given_up.time_since_epoch() < 100s);
}

TEST_CASE("a body over the limit is refused before it is read") {
    HttpWorld world(echo, HttpLimits{.body = 10});
    const std::string sent = world.send(
        {"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n"});
    CHECK(sent.find("HTTP/1.1 413 ") == 0);
    HttpWorld chunked(echo, HttpLimits{.body = 10});
    const std::string answered =
        chunked.send({"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "6\r\n123456\r\n6\r\n123456\r\n0\r\n\r\n"});
    CHECK(answered.find("HTTP/1.1 413 ") == 0);
}

TEST_CASE("nothing behind a body that was not read to its end passes for a request") {
    const std::string hidden = "0\r\n\r\n" + get;
    const std::pair<std::string, std::string> bodies[] = {
        {"413", "1\r\na\r\n20\r\n" + hidden + "\r\n0\r\n\r\n"},
        {"431", "0\r\nA: " + std::string(5000, 'x') + "\r\n\r\n"},
        {"400", "1\r\nab\r\n"},
    };
    REQUIRE(hidden.size() == 0x20);
    for (const auto& [status, body] : bodies) {
        for (const Handler& handler : {Handler(echo), Handler(stream_back)}) {
            INFO(status);
            HttpWorld world(handler, HttpLimits{.body = 30});
            const std::string sent = world.send(
                {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body + get});
            CHECK(world.served == 0);
            CHECK(sent.rfind("HTTP/1.1 ") == 0);
        }
        HttpWorld world(echo, HttpLimits{.body = 30});
        const std::string sent = world.send(
            {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body + get});
        CHECK(sent.starts_with("HTTP/1.1 " + status));
        CHECK(sent.find("Connection: close\r\n") != std::string::npos);
    }
}

TEST_CASE("a request that is none is answered with a problem, and ends the connection") {
    HttpWorld world(echo);
    CHECK(world.send({"GET / HTTP/1.1\r\nHost: x\r\n a: b\r\n\r\n" + get}) ==
          problem("400 Bad Request", "bad_request", "a header is folded into several lines"));
    HttpWorld cut(echo);
    CHECK(cut.send({"GET / HTTP/1.1\r\nHo"}) ==
          problem("400 Bad Request", "bad_request", "the request is incomplete"));
}

TEST_CASE("a handler that throws is answered for, and tells the client nothing of the reason") {
    HttpWorld world(fail);
    std::string answered;
    world.container.start(world.serve(), {.name = "serve"});
    world.container.start(world.write_all({get}, {}), {.name = "write"});
    world.container.start(world.read_all(answered), {.name = "read"});
    world.scheduler.run();
    CHECK(answered == problem("500 Internal Server Error", "failed",
                              "the server failed to answer; its log says why"));
    REQUIRE(world.log.size() == 1);
    CHECK(world.log.front().find("the secret reason") != std::string::npos);

    HttpWorld late(fail);
    std::string half;
    late.container.start(late.serve(), {.name = "serve"});
    late.container.start(late.write_all({"GET /late HTTP/1.1\r\nHost: x\r\n\r\n"}, {}),
                         {.name = "write"});
    late.container.start(late.read_all(half), {.name = "read"});
    late.scheduler.run();
    CHECK(half.find("\r\n4\r\nhalf\r\n") != std::string::npos);
    CHECK_FALSE(half.ends_with("0\r\n\r\n"));  // the client sees that it is not the whole
}

TEST_CASE("a handler that waits is unwound when its client goes") {
    bool unwound = false;
    struct Note {
        bool& flag;
        ~Note() { flag = true; }
    };
    const auto wait = [&unwound](Exchange& exchange) -> Task<> {
        const Note note{unwound};
        co_await exchange.while_connected([]() -> Task<> { co_await sleep(1h); }());
        Response response;
        co_await exchange.respond(std::move(response));
    };
    HttpWorld world(wait);
    CHECK(world.send({get, ""}, 1s).empty());
    CHECK(unwound);
    CHECK(world.scheduler.now().time_since_epoch() < 1min);
}

TEST_CASE("no header can contain another one") {
    Headers headers;
    CHECK_THROWS_AS(headers.set("A", "b\r\nC: d"), std::invalid_argument);
    CHECK_THROWS_AS(headers.set("A\r\n", "b"), std::invalid_argument);
    CHECK_THROWS_AS(headers.add("A:", "b"), std::invalid_argument);
    headers.set("A", "b");
    headers.set("a", "c");
    CHECK(*headers.find("A") == "c");
}

TEST_CASE("dates are written and read as HTTP has them") {
    const WallTime time(784111777s);
    CHECK(http_date(time) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == time);
    for (const char* wrong : {"", "Sun, 06 Nov 1994 08:49:37", "Sun, 31 Feb 1994 08:49:37 GMT",
                              "Sun, 06 Nov 1994 28:49:37 GMT", "Sun, 06 Xyz 1994 08:49:37 GMT"}) {
        CHECK_FALSE(parse_http_date(wrong));
    }
}

}  // namespace weir::http
