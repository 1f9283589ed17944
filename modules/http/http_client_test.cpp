#include "modules/http/http_client.h"

#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <zlib.h>

#include "core/run/span_buffer.h"
#include "modules/http/http_error.h"
#include "modules/http/test_world.h"

namespace weir::http {

namespace {

using namespace std::chrono_literals;

// Servers of this room in memory, by the origins of the client's requests.
struct ClientWorld : test::VirtualWorld {
    explicit ClientWorld(Handler of_requests, HttpClientOptions of_client = {},
                         std::uint64_t seed = 1)
        : VirtualWorld(seed), handler(std::move(of_requests)), options(std::move(of_client)) {
        options.connector = [this](Url url) { return connect(std::move(url)); };
        renew();
    }
    // The servers of a run end with it: the next one needs a client without connections.
    void renew() { client = std::make_unique<HttpClient>(scheduler, options); }

    Task<ByteStream::Owner> connect(Url url) {
        connected.push_back(url.origin());
        if (refusals != 0) {
            --refusals;
            throw StreamError("connecting to " + url.origin(), UV_ECONNREFUSED);
        }
        co_await sleep(connect_time);
        auto [here, there] = memory_pair(scheduler, {}, faults);
        served.start(serve(std::move(there)), {.name = "serve", .daemon = true});
        co_return std::move(here);
    }
    Task<> serve(ByteStream::Owner stream) {
        if (!raw.empty()) {
            static_cast<void>(co_await stream->read_until("\r\n\r\n", 10'000));
            co_await stream->write(raw);
            co_await stream->finish();
            co_return;
        }
        const Client of_server;
        Traffic traffic;
        Connection connection(*stream, limits, of_server, handler, traffic);
        const std::function<bool()> last = [] { return false; };
        try {
            for (int i = 0; i != requests_per_connection; ++i) {
                const std::string_view begin =
                    co_await stream->peek(1, scheduler.now() + server_idle_time);
                if (begin.empty() || !co_await connection.serve_request(last)) {
                    break;
                }
            }
            co_await stream->finish();
        } catch (const StreamError&) {
        }
    }

    ClientResponse get(ClientRequest request) {
        ClientResponse response;
        renew();
        run(keep(std::move(request), response));
        return response;
    }
    Task<> keep(ClientRequest request, ClientResponse& response) {
        response = co_await client->request(std::move(request));
    }
    // Returns where the request fails, and the text of the error.
    std::pair<ClientStage, std::string> failure(ClientRequest request) {
        std::pair<ClientStage, std::string> result{};
        renew();
        run(note_failure(std::move(request), result));
        return result;
    }
    Task<> note_failure(ClientRequest request, std::pair<ClientStage, std::string>& result) {
        try {
            static_cast<void>(co_await client->request(std::move(request)));
        } catch (const ClientError& error) {
            result = {error.stage(), error.what()};
        }
    }
    Duration time() { return scheduler.now().time_since_epoch(); }

    Handler handler;
    HttpClientOptions options;
    HttpLimits limits;
    MemoryFaults faults;
    std::string raw;  // what a server answers instead
    int requests_per_connection = 1000;
    Duration server_idle_time = 1h;
    Duration connect_time{};
    int refusals = 0;
    std::vector<std::string> connected;
    Container served{scheduler};
    std::unique_ptr<HttpClient> client;
};

Task<> answer_with(Exchange& exchange, int status, Headers headers, std::string body) {
    Response response{status, std::move(headers), std::move(body)};
    return exchange.respond(std::move(response));
}

// Repeats what it was asked.
Task<> repeat_request(Exchange& exchange) {
    std::string text = std::string(exchange.request().method) + " " +
                       std::string(exchange.request().target) + "\n";
    for (const Header& header : exchange.request().headers()) {
        text.append(header.name).append("=").append(header.value).append("\n");
    }
    const std::string body = co_await exchange.read_all();
    co_await answer_with(exchange, 200, {}, text + body);
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::string gzipped(const std::string& text) {
    z_stream stream{};
    REQUIRE(::deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string result(::deflateBound(&stream, text.size()), 0);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(result.data());
    stream.avail_out = static_cast<uInt>(result.size());
    REQUIRE(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
    result.resize(stream.total_out);
    ::deflateEnd(&stream);
    return result;
}

}  // namespace

namespace {

Task<> ask_within(ClientWorld& world, Ref<TraceContext> trace, std::string& body) {
    Routine& routine = co_await this_routine();
    routine.set_trace_context(std::move(trace));
    ClientRequest request("GET", "http://shop.example/a");
    body = (co_await world.client->request(std::move(request))).body;
}

}  // namespace

TEST_CASE("a request is part of the trace for which its routine works") {
    ClientWorld world(repeat_request);
    const std::string parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const Ref<TraceContext> given = TraceContext::read(parent, "shop=7");
    std::string body;
    world.run(ask_within(world, given, body));
    CHECK(has(body, "\ntraceparent=" + parent + "\ntracestate=shop=7\n"));

    const Ref<SpanBuffer> spans(new SpanBuffer);
    spans->open(10, 0, nullptr);
    world.renew();
    world.run(ask_within(world, given->child(world.scheduler.poller(), spans), body));
    const std::vector<Span> all = spans->take(10);
    REQUIRE(all.size() == 1);
    CHECK(has(body, "\ntraceparent=00-0af7651916cd43dd8448eb211c80319c-" +
                        span_text(all[0].ids.span) + "-01\n"));
    CHECK(all[0].kind == Span::Kind::client);
    CHECK(all[0].status == 200);
    CHECK(all[0].error.empty());
    CHECK(all[0].attributes.back() ==
          std::pair<std::string, std::string>("server.address", "shop.example"));

    world.refusals = 1;
    world.options.max_retries = 1;
    world.renew();
    world.run(ask_within(world, given->child(world.scheduler.poller(), spans), body));
    REQUIRE(spans->size() == 2);
    CHECK(spans->take(1)[0].error == "no_response");
}

TEST_CASE("a request is answered, and says who it is and where it goes") {
    ClientWorld world(repeat_request);
    ClientRequest request("POST", "http://shop.example:81/a?b#c", "body");
    request.headers.set("Content-Type", "text/plain");
    const ClientResponse response = world.get(std::move(request));
    CHECK(response.is_success());
    CHECK(response.url == "http://shop.example:81/a?b");
    CHECK(response.body ==
          "POST /a?b\nHost=shop.example:81\nContent-Type=text/plain\nUser-Agent=weir/" WEIR_VERSION
          "\nAccept-Encoding=gzip\nContent-Length=4\nbody");
    CHECK(world.get({"HEAD", "http://a/"}).body.empty());
}

TEST_CASE("a request that could hide another one is not sent") {
    ClientWorld world(repeat_request);
    for (const char* name : {"content-length", "Transfer-Encoding", "Connection", "Host"}) {
        bool is_refused = false;
        const auto script = [](ClientWorld& of, std::string header, bool& refused) -> Task<> {
            ClientRequest request("GET", "http://a/");
            request.headers.set(std::move(header), "1");
            try {
                static_cast<void>(co_await of.client->request(std::move(request)));
            } catch (const std::invalid_argument&) {
                refused = true;
            }
        };
        world.run(script(world, name, is_refused));
        CHECK(is_refused);
    }
    CHECK(world.failure({"GET", "http://a/ HTTP/1.1\r\nX: y"}).first == ClientStage::address);
    CHECK(world.connected.empty());
}

TEST_CASE("a connection is used again, until it was idle for too long") {
    ClientWorld world(repeat_request, {.idle_time = 30s});
    const auto script = [](ClientWorld& of) -> Task<> {
        for (const Duration pause : {Duration(29s), Duration(29s), Duration(31s), Duration()}) {
            static_cast<void>(co_await of.client->request(ClientRequest("GET", "http://a/")));
            CHECK(of.client->idle() == 1);
            co_await sleep(pause);
        }
        co_await sleep(61s);
        CHECK(of.client->connections() == 0);
    };
    world.run(script(world));
    CHECK(world.connected.size() == 2);
}

TEST_CASE("a connection that the server has closed is replaced, if that repeats nothing") {
    ClientWorld world(repeat_request);
    world.server_idle_time = 10s;
    world.faults.most_delay = 1s;  // the client may not have noticed yet
    const auto script = [](ClientWorld& of) -> Task<> {
        for (int i = 0; i != 20; ++i) {
            const ClientResponse response =
                co_await of.client->request(ClientRequest("GET", "http://a/"));
            CHECK(response.status == 200);
            co_await sleep(10s);
        }
    };
    world.run(script(world));
    CHECK(world.connected.size() > 10);
}

TEST_CASE("so many requests have a connection to an origin, and the others wait") {
    ClientWorld world(
        [](Exchange& exchange) -> Task<> {
            co_await sleep(1s);
            co_await answer_with(exchange, 200, {}, "");
        },
        {.max_connections = 3});
    std::vector<ClientResponse> responses(10);
    for (ClientResponse& response : responses) {
        world.container.start(world.keep({"GET", "http://a/"}, response), {.name = "request"});
    }
    world.scheduler.run();
    for (const ClientResponse& response : responses) {
        CHECK(response.status == 200);
    }
    CHECK(world.connected.size() == 3);
}

TEST_CASE("redirects are followed, and take no credentials to another origin") {
    ClientWorld world([](Exchange& exchange) {
        const std::string target(exchange.request().target);
        Headers headers;
        const std::map<std::string, std::pair<int, std::string>> redirects = {
            {"/near", {302, "there?x"}},   {"/far", {307, "http://b/there"}},
            {"/post", {303, "/there"}},    {"/loop", {302, "/loop"}},
            {"/wrong", {302, "ftp://a/"}}, {"/nowhere", {302, ""}},
        };
        const auto found = redirects.find(target);
        if (found == redirects.end()) {
            return repeat_request(exchange);
        }
        if (!found->second.second.empty()) {
            headers.set("Location", found->second.second);
        }
        return answer_with(exchange, found->second.first, std::move(headers), "moved");
    });
    const auto get = [&world](std::string method, std::string url) {
        ClientRequest request(std::move(method), std::move(url), "order");
        request.headers.set("Authorization", "Bearer secret");
        request.headers.set("Cookie", "secret");
        request.headers.set("X-Other", "kept");
        return world.get(std::move(request));
    };
    const ClientResponse near = get("GET", "http://a/near");
    CHECK(near.url == "http://a/there?x");
    CHECK(has(near.body, "Authorization=Bearer secret\n"));
    const ClientResponse far = get("POST", "http://a/far");
    CHECK(far.url == "http://b/there");
    CHECK_FALSE(has(far.body, "secret"));
    CHECK(has(far.body, "X-Other=kept\n"));
    CHECK(far.body.ends_with("\norder"));
    const ClientResponse see_other = get("POST", "http://a/post");
    CHECK(see_other.body.starts_with("GET /there\n"));
    CHECK_FALSE(see_other.body.ends_with("order"));
    CHECK(get("GET", "http://a/loop").status == 302);
    CHECK(get("GET", "http://a/nowhere").status == 302);
    CHECK(world.failure({"GET", "http://a/wrong"}).first == ClientStage::address);
    CHECK(world.failure({"GET", "https://a/far"}).second.find("leads from https to http://b/") !=
          std::string::npos);
}

TEST_CASE("what failed is sent again only if that can do no harm, and after a growing pause") {
    int asked = 0;
    ClientWorld world(
        [&asked](Exchange& exchange) {
            ++asked;
            return answer_with(exchange, 503, {}, "");
        },
        {.max_retries = 3, .retry_time = 1s});
    CHECK(world.get({"GET", "http://a/"}).status == 503);
    CHECK(asked == 4);
    CHECK(world.time() >= 3500ms);
    CHECK(world.time() <= 7s);
    asked = 0;
    CHECK(world.get({"POST", "http://a/"}).status == 503);
    CHECK(asked == 1);

    ClientWorld refused(repeat_request);
    refused.refusals = 2;
    CHECK(refused.get({"POST", "http://a/"}).status == 200);
    refused.refusals = 3;
    const auto [stage, text] = refused.failure({"POST", "http://b/"});
    CHECK(stage == ClientStage::connect);
    CHECK(text == "POST http://b/: connecting to http://b:80: connection refused (ECONNREFUSED)");
}

TEST_CASE("Retry-After says when to come again, if that is in time") {
    int asked = 0;
    ClientWorld world([&asked](Exchange& exchange) {
        Headers headers;
        headers.set("Retry-After", "20");
        return answer_with(exchange, ++asked == 1 ? 429 : 200, std::move(headers), "");
    });
    CHECK(world.get({"GET", "http://a/"}).status == 200);
    CHECK(world.time() == 20s);
    asked = 0;
    ClientRequest hurried("GET", "http://a/");
    hurried.timeout = 10s;
    CHECK(world.get(std::move(hurried)).status == 429);
    CHECK(world.time() == 20s);
}

TEST_CASE("a request ends in time, wherever the server is silent") {
    const auto silent = [](Exchange& exchange) -> Task<> {
        co_await sleep(1h);
        co_await answer_with(exchange, 200, {}, "");
    };
    ClientWorld late(silent, {.read_time = 1h});
    CHECK(late.failure({"GET", "http://a/"}).first == ClientStage::time);
    CHECK(late.time() == 30s);
    ClientWorld pauses(silent, {.read_time = 5s, .max_retries = 0});
    CHECK(pauses.failure({"GET", "http://a/"}).first == ClientStage::receive);
    CHECK(pauses.time() == 5s);
    ClientWorld unreachable(silent);
    unreachable.connect_time = 1h;
    CHECK(unreachable.failure({"GET", "http://a/"}).first == ClientStage::time);
    CHECK(unreachable.time() == 30s);
    ClientWorld trickle([](Exchange& exchange) -> Task<> {
        co_await exchange.begin(200, {});
        for (;;) {
            co_await exchange.write("a");
            co_await sleep(1s);
        }
    });
    CHECK(trickle.failure({"GET", "http://a/"}).first == ClientStage::time);
    CHECK(trickle.time() == 30s);
}

namespace {

Task<> send_and_read_slowly(ClientWorld& world, std::size_t& made, std::size_t& received) {
    ClientRequest request("PUT", "http://a/");
    request.timeout = {};
    request.pieces = [&made]() -> Task<std::string> {
        std::string piece = made == 10'000'000 ? "" : std::string(10'000, 'a');
        made += piece.size();
        co_return piece;
    };
    const auto response = co_await world.client->open(std::move(request));
    CHECK(response->status() == 200);
    co_await sleep(1min);
    CHECK(made < 1'000'000);  // it waits for this routine
    for (;;) {
        const std::string_view bytes = co_await response->read();
        if (bytes.empty()) {
            break;
        }
        received += bytes.size();
    }
}

}  // namespace

TEST_CASE("bodies pass in pieces both ways at once, no faster than they are read") {
    ClientWorld world([](Exchange& exchange) -> Task<> {
        exchange.set_body_limit(100'000'000);
        co_await exchange.begin(200, {});
        for (;;) {
            const std::string_view bytes = co_await exchange.read();
            if (bytes.empty()) {
                co_return;
            }
            std::string copy(bytes);
            co_await exchange.write(std::move(copy));
        }
    });
    // The writer of the echo waits for this client longer than its server lets it.
    std::size_t made = 0;
    std::size_t received = 0;
    const auto script = [](ClientWorld& of, std::size_t& sent, std::size_t& got) -> Task<> {
        co_await send_and_read_slowly(of, sent, got);
        CHECK(of.client->idle() == 1);
    };
    world.limits.write_time = 1h;
    world.limits.body_time = 1h;
    world.run(script(world, made, received));
    CHECK(received == 10'000'000);
}

TEST_CASE("a body that is made in pieces and fails ends the request with its reason") {
    ClientWorld world(repeat_request);
    const auto script = [](ClientWorld& of) -> Task<> {
        ClientRequest request("POST", "http://a/");
        request.pieces = []() -> Task<std::string> {
            co_await sleep(1s);
            throw std::domain_error("no more apples");
        };
        bool failed = false;
        try {
            static_cast<void>(co_await of.client->request(std::move(request)));
        } catch (const std::domain_error&) {
            failed = true;
        }
        CHECK(failed);
        CHECK(of.client->connections() == 0);
    };
    world.run(script(world));
}

TEST_CASE("gzip is decoded, and a small body does not become a large one unseen") {
    const std::string text(1'000'000, 'a');
    const std::string small = gzipped(text);
    REQUIRE(small.size() < 2000);
    std::string encoded = small;
    const Handler handler = [&encoded](Exchange& exchange) {
        Headers headers;
        headers.set("Content-Encoding", "gzip");
        return answer_with(exchange, 200, std::move(headers), encoded);
    };
    ClientWorld world(handler);
    world.faults.most_at_once = 100;
    const ClientResponse response = world.get({"GET", "http://a/"});
    CHECK(response.body == text);
    CHECK(response.headers.find("Content-Encoding") == nullptr);
    encoded = small + small;
    CHECK(world.get({"GET", "http://a/"}).body.size() == 2 * text.size());

    ClientWorld bounded(handler, {.max_body = 999'999});
    const auto [stage, why] = bounded.failure({"GET", "http://a/"});
    CHECK(stage == ClientStage::response);
    CHECK(has(why, "more than 999999 bytes"));
    for (std::string wrong : {small.substr(0, small.size() / 2), std::string("plain text")}) {
        encoded = std::move(wrong);
        CHECK(bounded.failure({"GET", "http://a/"}).first == ClientStage::response);
    }
    encoded = small;
    ClientWorld plain(handler, {.accepts_gzip = false});
    CHECK(plain.get({"GET", "http://a/"}).body == small);
}

TEST_CASE("what is no whole response is an error that says so") {
    const auto answer_to = [](const std::string& raw) {
        ClientWorld world(repeat_request, {.max_head = 1000, .max_body = 10, .max_retries = 0});
        world.raw = raw;
        return world.failure({"GET", "http://a/"});
    };
    for (const char* wrong :
         {"hello\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nabcde",
          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
          "HTTP/1.1 200 OK\r\nX: \x01\r\n\r\n", "HTTP/1.1 200 OK\r\nX: y",
          "HTTP/1.1 200 OK\r\n\r\n12345678901",
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n"}) {
        INFO(wrong);
        CHECK(answer_to(wrong).first == ClientStage::response);
    }
    CHECK(has(answer_to("HTTP/1.1 200 OK\r\nX: " + std::string(1000, 'a') + "\r\n\r\n").second,
              "more than 1000 bytes"));
}

TEST_CASE("bodies end with their length, their last chunk, or the connection") {
    const auto body_of = [](const std::string& raw) {
        ClientWorld world(repeat_request);
        world.raw = raw;
        world.faults.most_at_once = 3;
        return world.get({"GET", "http://a/"}).body;
    };
    CHECK(body_of("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc") == "abc");
    CHECK(body_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n"
                  "0\r\nTrailer: z\r\n\r\n") == "abc");
    CHECK(body_of("HTTP/1.1 200 OK\r\n\r\nabc") == "abc");
    CHECK(body_of("HTTP/1.0 200 OK\r\n\r\nabc") == "abc");
    CHECK(body_of("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
                  "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc") == "abc");
    for (const char* bodyless : {"HTTP/1.1 204 No Content\r\n\r\n",
                                 "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
                                 "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"}) {
        INFO(bodyless);
        CHECK(body_of(bodyless).empty());
    }
}

TEST_CASE("a connection on which more came than the response is not used again") {
    ClientWorld world(repeat_request);
    world.raw = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\n\r\n";
    const auto script = [](ClientWorld& of) -> Task<> {
        const ClientResponse response =
            co_await of.client->request(ClientRequest("GET", "http://a/"));
        CHECK(response.body == "abc");
        CHECK(of.client->idle() == 0);
    };
    world.run(script(world));
}

TEST_CASE("responses are right whatever the pieces, and a reset is an error or a second try") {
    for (std::uint64_t seed = 1; seed != 50; ++seed) {
        ClientWorld world(repeat_request, {}, seed);
        world.faults = {.most_at_once = 1 + seed % 40, .most_delay = 10ms};
        if (seed % 3 == 0) {
            world.faults.reset_after = 100 + seed;
        }
        std::string body;
        std::string failed;
        const auto script = [](ClientWorld& of, std::string& got, std::string& why) -> Task<> {
            try {
                ClientRequest request("PUT", "http://a/", std::string(100, 'x'));
                ClientResponse response = co_await of.client->request(std::move(request));
                got = std::move(response.body);
            } catch (const ClientError& error) {
                why = error.what();
            }
        };
        world.run(script(world, body, failed));
        INFO(seed);
        CHECK((body.ends_with("\n" + std::string(100, 'x')) || has(failed, "ECONNRESET")));
    }
}

}  // namespace weir::http
