#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "core/run/span_buffer.h"
#include "core/stream/memory_stream.h"
#include "core/wait/timeout.h"
#include "modules/http/connection.h"
#include "modules/http/http_error.h"
#include "modules/http/http_host.h"
#include "modules/http/web_socket.h"
#include "modules/http/web_socket_test_client.h"
#include "modules/system/call/json.h"
#include "modules/system/event/describe_event.h"
#include "modules/system/module/module.h"
#include "modules/testing/simulated_server.h"

using namespace weir;
using namespace weir::http;
using namespace std::chrono_literals;

namespace {

struct Baked : Event {
    Index<std::string> kind;
    int pieces = 1;

    static auto declare() {
        return portable_event<Baked>("test.Baked", "Something was baked",
                                     member("kind", &Baked::kind, "What"),
                                     member("pieces", &Baked::pieces, "How many"));
    }
};

struct Order {
    std::string customer;
    int pieces = 1;
    bool express = false;
    std::vector<std::string> extras;
    std::chrono::milliseconds within = 1s;

    static config::Settings<Order> describe() {
        using namespace config;
        return settings<Order>("Orders something",
                               setting("customer", &Order::customer, "Who").required(),
                               setting("pieces", &Order::pieces, "How many").range(1, 100),
                               setting("express", &Order::express, "Whether at once"),
                               setting("extras", &Order::extras, "What else"),
                               setting("within", &Order::within, "How soon"));
    }
};

// A module that other modules know by its functions, its events, and a route of its own.
class Bakery final : public Module {
public:
    using Module::Module;

    static auto declare() {
        return declare_module<Bakery>("bakery", "Bakes")
            .depends_on("http")
            .event<Baked>()
            .function("order", &Bakery::order)
            .function("look", "Looks into the oven", &Bakery::look)
            .function("bake", "Takes a minute", &Bakery::bake)
            .function("sell", "Sells what is not there", &Bakery::sell)
            .function("deliver", "Looks, and sells", &Bakery::deliver)
            .reads({"look"});
    }
    void begin() override {
        route_ = HttpHost::add_route(*this, "GET", "/greet/{name}", [](Exchange& exchange) {
            Response response{.body = "Hello " + exchange.parameters().front().second + "\n"};
            return exchange.respond(std::move(response));
        });
        chat_ = HttpHost::add_route(*this, "GET", "/chat/{name}", [](Exchange& exchange) {
            return serve_web_socket(exchange, chat);
        });
    }
    static Task<> chat(WebSocket& socket) {
        const std::string& name = socket.exchange().parameters().front().second;
        while (const auto message = co_await socket.receive()) {
            co_await socket.send(name + " says " + message->bytes);
        }
    }

    std::string order(const Order& order) {
        std::string text = order.customer + " " + std::to_string(order.pieces);
        text += order.express ? " express" : "";
        for (const std::string& extra : order.extras) {
            text += " +" + extra;
        }
        return text + " " + std::to_string(order.within.count());
    }
    int look() const { return 7; }
    Task<> bake() {
        struct Note {
            int& count;
            explicit Note(int& counted) : count(counted) { ++count; }
            ~Note() { --count; }
        };
        const Note note(baking);
        co_await sleep(1min);
    }
    void sell() { throw ApiException("sold_out", "there is no bread left"); }
    // Returns what it has seen.
    Task<int> deliver() {
        const ApiResult<Json> seen = co_await call(name(), "look");
        co_await call(name(), "sell");
        co_return seen.value().get<int>();
    }

    static inline int baking = 0;

private:
    std::unique_ptr<Route> route_;
    std::unique_ptr<Route> chat_;
};

// A server with the modules, and one connection to it that begins at the router.
struct GatewayWorld {
    explicit GatewayWorld(const std::string& routes = "[]")
        : server(R"({"server": {"startup": ["lock", "http", "bakery"]},
                     "module": {"http": {"listen": [], "ping_interval": "0s", "routes": )" +
                     routes + "}}}",
                 Registry().add<Bakery>()) {
        client.anonymous = Ref<Caller>(
            new Caller(server.server().access().rules(), "", std::vector<std::string>{"admin"}));
        client.address = "tcp://10.0.0.7:80";
    }

    // Runs a server in which only these requests are sent, and returns all that is answered.
    std::string send(std::string requests, Duration pause = 10min) {
        std::string answered;
        const auto script = [](GatewayWorld& world, std::string bytes, Duration time,
                               std::string& result) -> Task<> {
            result = co_await world.ask(std::move(bytes), time);
        };
        server.run(script(*this, std::move(requests), pause, answered));
        return answered;
    }
    // Sends requests on one connection, which the client ends after the pause.
    Task<std::string> ask(std::string requests, Duration pause = 1s) {
        Json parameters = Json::object();
        detail::JsonCall looking = call("bakery", "look", std::move(parameters));
        const ApiResult<Json> loaded = co_await looking;  // waits until the modules are loaded
        REQUIRE(loaded.ok());
        auto [here, there] = memory_pair(server.scheduler());
        std::string answered;
        Container container(server.scheduler());
        const Ref<Routine> serving = container.start(serve(*there), {.name = "serve"});
        const Ref<Routine> reading = container.start(read_all(*here, answered), {.name = "read"});
        co_await here->write(std::move(requests));
        co_await sleep(pause);
        co_await here->shutdown();
        while (!serving->ended()) {
            co_await sleep(1ms);
        }
        there.reset();
        while (!reading->ended()) {
            co_await sleep(1ms);
        }
        co_return answered;
    }
    Task<> serve(ByteStream& stream) {
        Router& router = dynamic_cast<HttpHost&>(*server.loader().find("http")).router();
        const Handler handler = [&router](Exchange& exchange) { return router.handle(exchange); };
        Connection connection(stream, limits, client, handler, traffic);
        const std::function<bool()> last = [] { return false; };
        try {
            while (!(co_await stream.peek()).empty()) {
                const bool goes_on = co_await connection.serve_request(last);
                if (!goes_on) {
                    break;
                }
            }
        } catch (const StreamError&) {
        }
    }
    static Task<> read_all(ByteStream& stream, std::string& answered) {
        for (;;) {
            const std::string_view bytes = co_await stream.read_some();
            if (bytes.empty()) {
                co_return;
            }
            answered += bytes;
        }
    }

    SimulatedServer server;
    HttpLimits limits;
    Client client;
    Traffic traffic;
};

std::string post(const std::string& target, const std::string& json,
                 const std::string& method = "POST") {
    return method + " " + target + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
           "Content-Length: " + std::to_string(json.size()) + "\r\n\r\n" + json;
}
std::string get(const std::string& target, const std::string& headers = "") {
    return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n";
}

// The status and the body of the only answer.
std::string result(const std::string& answered) {
    if (answered.size() < 12) {
        return answered;
    }
    return answered.substr(9, 3) + " " + answered.substr(answered.find("\r\n\r\n") + 4);
}
std::string code(const std::string& answered) {
    const std::string all = result(answered);
    return all.substr(0, 4) + Json::parse(all.substr(4)).at("code").get<std::string>();
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("parameters come from path, query and body, as the function describes them") {
    const std::string routes =
        R"([{"path": "/orders/{customer}", "call": "bakery.order"},
            {"path": "/oven", "method": "GET", "call": "bakery.look"}])";
    const auto ask = [&routes](const std::string& request) {
        GatewayWorld world(routes);
        return result(world.send(request));
    };
    CHECK(ask(post("/orders/ann", R"({"pieces": 3})")) == "200 \"ann 3 1000\"\n");
    CHECK(ask(post("/orders/7?pieces=4&express=true&within=2s", "{}")) ==
          "200 \"7 4 express 2000\"\n");
    CHECK(ask(post("/orders/ann?extras=%5B%22jam%22%5D", "")) == "200 \"ann 1 +jam 1000\"\n");
    CHECK(ask(get("/oven")) == "200 7\n");
    CHECK(ask(get("/call/bakery/look")) == "200 7\n");
    CHECK(ask(post("/call/bakery/look", "{}")) == "200 7\n");
    GatewayWorld world(routes);
    CHECK(code(world.send(post("/orders/ann", R"({"customer": "bob"})"))) == "400 bad_parameter");
    GatewayWorld wrong(routes);
    CHECK(code(wrong.send(post("/orders/ann?pieces=many", "{}"))) == "400 bad_parameter");
    GatewayWorld over(routes);
    CHECK(code(over.send(post("/orders/ann?pieces=101", "{}"))) == "400 bad_parameter");
}

TEST_CASE("errors of functions keep their codes, and get a status that fits") {
    const auto ask = [](const std::string& request) {
        GatewayWorld world;
        return code(world.send(request));
    };
    CHECK(ask(post("/call/bakery/sell", "{}")) == "409 sold_out");
    CHECK(ask(get("/call/bakery/order?customer=ann")) == "405 wrong_method");
    CHECK(ask(post("/call/bakery/order", "{")) == "400 bad_parameter");
    CHECK(ask(post("/call/bakery/order", "[1]")) == "400 bad_parameter");
    const std::string look = "POST /call/bakery/look HTTP/1.1\r\nHost: x\r\n";
    CHECK(ask(look + "Content-Length: 2\r\n\r\n{}") == "415 not_json");
    CHECK(ask(look + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == "415 not_json");
    CHECK(ask(look + "Content-Type: text/plain\r\n\r\n") == "415 not_json");
}

TEST_CASE("a call without a body needs no type") {
    GatewayWorld world;
    const std::string answer = world.send("POST /call/bakery/look HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(answer.starts_with("HTTP/1.1 200 OK"));
}

namespace {

Task<> cancel_call(GatewayWorld& world) {
    const std::string none = co_await world.ask(post("/call/bakery/bake", "{}"), 10s);
    CHECK(none.empty());
    CHECK(Bakery::baking == 0);
    const std::string done = co_await world.ask(post("/call/bakery/bake", "{}"), 2min);
    CHECK(result(done) == "200 null\n");
}

Task<> reload_and_greet(GatewayWorld& world) {
    for (const std::vector<std::string>& modules : {std::vector<std::string>{"http"},
                                                    {"bakery"},
                                                    {"bakery"},
                                                    {"http"},
                                                    {"bakery", "http"},
                                                    {"lock", "http"}}) {
        std::string answered = co_await world.ask(get("/greet/ann"));
        CHECK(result(answered) == "200 Hello ann\n");
        std::vector<std::string> names = modules;
        co_await world.server.loader().reload(std::move(names));
        answered = co_await world.ask(get("/greet/bob"));
        CHECK(result(answered) == "200 Hello bob\n");
        co_await sleep(1min);  // until the old versions have left
    }
}

Task<> note(GatewayWorld& world, std::string request, Duration pause, std::string& answered) {
    answered = co_await world.ask(std::move(request), pause);
}

Task<> watch_and_send(GatewayWorld& world) {
    std::string watched;
    Container container(world.server.scheduler());
    const Ref<Routine> watcher = container.start(
        note(world, get("/events?type=test.Baked&kind=bread"), 1min, watched), {.name = "watcher"});
    co_await sleep(1s);
    const std::string sent =
        co_await world.ask(post("/events/test.Baked", R"({"kind": "cake"})") +
                           post("/events/test.Baked", R"({"kind": "bread", "pieces": 2})"));
    CHECK(sent.starts_with("HTTP/1.1 204 "));
    while (!watcher->ended()) {
        co_await sleep(1s);
    }
    CHECK(has(watched, "\r\nContent-Type: text/event-stream\r\n"));
    CHECK(has(watched, "\nevent: test.Baked\ndata: {\"kind\":\"bread\",\"pieces\":2}\n\n"));
    CHECK_FALSE(has(watched, "cake"));
    CHECK(has(watched, ": still here\n\n"));
    CHECK(has(watched, "id: "));
    co_await sleep(2min);  // the latest events are kept for a while
}

std::string session_of(const std::string& answered) {
    return Json::parse(result(answered).substr(4)).at("session").get<std::string>();
}

std::string release(const std::string& session) {
    return "DELETE /locks/a?session=" + session + " HTTP/1.1\r\nHost: x\r\n\r\n";
}

// What a client of a WebSocket has got, without the handshake.
std::string messages(const std::string& answered) {
    REQUIRE(answered.starts_with("HTTP/1.1 101 "));
    return answered.substr(answered.find("\r\n\r\n") + 4);
}

Task<> watch_by_web_socket(GatewayWorld& world) {
    const std::string watching = web_socket_request("/events?type=test.Baked&kind=bread");
    std::string watched;
    Container container(world.server.scheduler());
    const Ref<Routine> watcher =
        container.start(note(world, watching, 1min, watched), {.name = "watcher"});
    co_await sleep(1s);
    std::string sent = co_await world.ask(post("/events/test.Baked", R"({"kind": "cake"})") +
                                          post("/events/test.Baked", R"({"kind": "bread"})"));
    CHECK(sent.starts_with("HTTP/1.1 204 "));
    while (!watcher->ended()) {
        co_await sleep(1s);
    }
    const std::string received = messages(watched);
    const std::string begin = R"({"id": ")";
    const std::size_t at = received.find(begin) + begin.size();
    const std::string position = received.substr(at, received.find('"', at) - at);
    const auto text_of = [](const std::string& id, int pieces) {
        return frame_bytes(Opcode::text,
                           R"({"id": ")" + id + R"(", "type": "test.Baked", "data": )" +
                               R"({"kind":"bread","pieces":)" + std::to_string(pieces) + "}}");
    };
    CHECK(received.starts_with(text_of(position, 1)));

    // The client was away while one event passed.
    sent = co_await world.ask(post("/events/test.Baked", R"({"kind": "bread", "pieces": 2})"));
    const std::string later = co_await world.ask(
        web_socket_request("/events?type=test.Baked&kind=bread&last_event_id=" + position));
    CHECK(has(messages(later), R"("data": {"kind":"bread","pieces":2}})"));
    const std::string gap = co_await world.ask(
        web_socket_request("/events?type=test.Baked&kind=bread&last_event_id=unknown"));
    CHECK(messages(gap).starts_with(frame_bytes(Opcode::text, R"({"lost": null})")));
    co_await sleep(2min);  // the latest events are kept for a while
}

Task<> hold_and_end(GatewayWorld& world) {
    const std::string held = co_await world.ask(post("/locks/a", R"({"hold": true})"), 2min);
    CHECK(has(held, R"({"key":"a","token":)"));
    const std::string again = co_await world.ask(post("/locks/a", R"({"time_to_live": "1h"})"));
    CHECK(again.starts_with("HTTP/1.1 201 "));
    const std::string other = co_await world.ask(post("/locks/a", "{}"));
    CHECK(code(other) == "409 locked");
    CHECK(has(again, R"("valid_for":"1h")"));
    const std::string session = session_of(again);
    const std::string renewed =
        co_await world.ask(post("/locks/a?session=" + session, "{}", "PUT"));
    CHECK(result(renewed).starts_with("200 "));
    CHECK(has(renewed, R"("valid_for":"1h")"));
    const std::string released = co_await world.ask(release(session));
    CHECK(result(released) == "204 ");
    const std::string none = co_await world.ask(get("/locks"));
    CHECK(result(none) == "200 []\n");
}

Task<> wait_and_go(GatewayWorld& world) {
    const std::string first = co_await world.ask(post("/locks/a", R"({"time_to_live": "1h"})"));
    const std::string second = co_await world.ask(post("/locks/a", R"({"wait": "1h"})"), 10s);
    CHECK(second.empty());
    const std::string released = co_await world.ask(release(session_of(first)));
    CHECK(result(released) == "204 ");
    const std::string none = co_await world.ask(get("/locks") + get("/call/lock/sessions"));
    CHECK(none.find("\r\n\r\n[]\n") != none.rfind("\r\n\r\n[]\n"));
}

}  // namespace

TEST_CASE("a call is cancelled when its client goes") {
    GatewayWorld world;
    world.server.run(cancel_call(world));
}

TEST_CASE("a module in C++ answers at a path of its own") {
    GatewayWorld world;
    CHECK(result(world.send(get("/greet/ann"))) == "200 Hello ann\n");
}

TEST_CASE("a module in C++ answers at its path however often it is reloaded, alone or with http") {
    GatewayWorld world;
    world.server.run(reload_and_greet(world));
}

TEST_CASE("calls that a request leads to are spans of its trace, each in the one that makes it") {
    const std::string trace = "0af7651916cd43dd8448eb211c80319c";
    GatewayWorld world;
    const Ref<SpanBuffer> spans = world.server.server().spans();
    spans->open(100, 0, nullptr);
    world.traffic.spans = spans;
    const auto ask = [&trace](const std::string& target, const std::string& flags) {
        return "POST " + target + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
               "Content-Length: 2\r\nTraceparent: 00-" + trace + "-b7ad6b7169203331-" + flags +
               "\r\n\r\n{}";
    };
    // The second is not sampled, the third is part of no trace.
    const std::string answered =
        world.send(ask("/call/bakery/deliver", "01") + ask("/call/bakery/deliver", "00") +
                   post("/call/bakery/deliver", "{}"));
    CHECK(has(answered, "\r\n\r\n7\n"));
    const std::vector<Span> all = spans->take(100);
    spans->close();
    REQUIRE(all.size() == 4);
    for (const Span& span : all) {
        CHECK(span.ids.trace_text() == trace);
    }
    const Span& look = all[0];
    const Span& sell = all[1];
    const Span& deliver = all[2];
    const Span& request = all[3];
    CHECK(request.name == "POST /call/{module}/{function}");
    CHECK(request.status == 200);
    CHECK(span_text(request.ids.parent) == "b7ad6b7169203331");
    CHECK(deliver.name == "bakery.deliver");
    CHECK(deliver.ids.parent == request.ids.span);
    CHECK(deliver.error.empty());
    CHECK(look.name == "bakery.look");
    CHECK(look.ids.parent == deliver.ids.span);
    CHECK(sell.ids.parent == deliver.ids.span);
    CHECK(sell.error == "sold_out");
}

TEST_CASE("a call by WebSocket may be part of a trace of its own") {
    GatewayWorld world;
    const Ref<SpanBuffer> spans = world.server.server().spans();
    spans->open(100, 0, nullptr);
    world.traffic.spans = spans;
    const std::string answered = messages(
        world.send(web_socket_request("/call") +
                   text_frame(R"({"id": 1, "call": "bakery.look", "traceparent": )"
                              R"("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})") +
                   text_frame(R"({"id": 2, "call": "bakery.look"})")));
    CHECK(has(answered, R"({"id":1,"result":7})"));
    const std::vector<Span> all = spans->take(100);
    spans->close();
    REQUIRE(all.size() == 1);
    CHECK(all[0].name == "bakery.look");
    CHECK(span_text(all[0].ids.parent) == "b7ad6b7169203331");
}

TEST_CASE("routes of a host go before those of all hosts") {
    const std::string routes =
        R"([{"path": "/a", "method": "GET", "redirect": "/all"},
            {"path": "/b", "method": "GET", "redirect": "/all"},
            {"path": "/a", "method": "GET", "hosts": ["Shop.example", "store.example"],
             "redirect": "/shop"}])";
    const auto leads = [&routes](const std::string& host, const std::string& path) {
        GatewayWorld world(routes);
        const std::string answered =
            world.send("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
        const std::size_t at = answered.find("\r\nLocation: ") + 12;
        return answered.substr(at, answered.find("\r\n", at) - at);
    };
    CHECK(leads("shop.example", "/a") == "/shop");
    CHECK(leads("STORE.example.:8080", "/a") == "/shop");
    CHECK(leads("shop.example", "/b") == "/all");
    CHECK(leads("other.example", "/a") == "/all");
}

TEST_CASE("folders and servers behind are closed to clients without a role, as functions are") {
    const std::string routes =
        R"([{"path": "/files/*", "folder": "/no/such/folder"},
            {"path": "/api/*", "proxy": "http://127.0.0.1:1"},
            {"path": "/look", "method": "GET", "call": "bakery.look"},
            {"path": "/old", "method": "GET", "redirect": "/new"}])";
    const auto status = [&routes](const std::string& path, std::vector<std::string> roles) {
        GatewayWorld world(routes);
        world.client.anonymous =
            Ref<Caller>(new Caller(world.server.server().access().rules(), "", std::move(roles)));
        return world.send(get(path)).substr(9, 3);
    };
    CHECK(status("/files/a", {}) == "403");
    CHECK(status("/api/a", {}) == "403");
    CHECK(status("/look", {}) == "403");
    CHECK(status("/old", {}) == "308");
    // Neither folders nor servers are there.
    CHECK(status("/files/a", {"guest"}) != "403");
    CHECK(status("/api/a", {"guest"}) != "403");
}

TEST_CASE("the log says which folder of a route is not there") {
    GatewayWorld world(R"([{"path": "/files/*", "folder": "no/such/folder"}])");
    world.send(get("/health"));
    CHECK(has(world.server.log(),
              "routes: /files/*: there is no folder no/such/folder, seen from /"));
}

TEST_CASE("a stream of events has what is sent, its position, and signs of life") {
    GatewayWorld world;
    world.server.run(watch_and_send(world));
}

TEST_CASE("a WebSocket at /events has the same events, and continues where it was") {
    GatewayWorld world;
    world.server.run(watch_by_web_socket(world));
}

TEST_CASE("a module in C++ serves WebSockets at a path of its own") {
    GatewayWorld world;
    const std::string answered =
        world.send(web_socket_request("/chat/ann") + text_frame("hello") + close_frame());
    CHECK(messages(answered) ==
          frame_bytes(Opcode::text, "ann says hello") + frame_bytes(Opcode::close, "\x03\xE8"));
}

TEST_CASE("calls pass by one WebSocket, each answered when it ends") {
    GatewayWorld world;
    const std::string answered = messages(world.send(
        web_socket_request("/call") + text_frame(R"({"id": 1, "call": "bakery.bake"})") +
        text_frame(R"({"id": "two", "call": "bakery.look", "parameters": {}})") +
        text_frame(R"({"id": [3], "call": "bakery.sell"})") +
        text_frame(R"({"id": 4, "call": "bakery.order", "parameters": {"pieces": "many"}})") +
        text_frame(R"({"id": 5, "call": "bakery"})") +
        text_frame(R"({"id": 6, "call": "bakery.look", "more": 1})") + text_frame("{")));
    std::vector<Json> all;
    for (const ServerFrame& frame : server_frames(answered)) {
        if (frame.opcode == 1) {
            all.push_back(Json::parse(frame.payload));
        }
    }
    REQUIRE(all.size() == 7);
    const auto find = [&all](const Json& id) {
        for (const Json& one : all) {
            if (one.at("id") == id) {
                return one;
            }
        }
        return Json();
    };
    CHECK(find("two") == Json{{"id", "two"}, {"result", 7}});
    CHECK(find(Json::array({3})).at("error").at("code") == "sold_out");
    for (const Json& id : {Json(4), Json(5), Json(6), Json(nullptr)}) {
        CHECK(find(id).at("error").at("code") == "bad_parameter");
    }
    CHECK(all.back() == Json{{"id", 1}, {"result", nullptr}});  // a minute later
}

TEST_CASE("a client may have 64 calls under way, which are unwound when it goes") {
    GatewayWorld world;
    std::string calls = web_socket_request("/call");
    for (int i = 0; i != 65; ++i) {
        calls += text_frame(R"({"id": 1, "call": "bakery.bake"})");
    }
    const std::string answered = messages(world.send(calls, 10s));
    CHECK(has(answered, R"("code":"rejected")"));
    CHECK_FALSE(has(answered, "result"));
    CHECK(Bakery::baking == 0);
}

TEST_CASE("a lock that a connection holds is given back when the connection ends") {
    GatewayWorld world;
    world.server.run(hold_and_end(world));
}

TEST_CASE("a request for a lock that is wrong is refused, and takes none") {
    for (const char* wrong : {R"({"hold": "yes"})", R"({"waiting": "1s"})", R"({"wait": "-1s"})",
                              "[1]", R"({"hold": true, "time_to_live": "1m"})"}) {
        INFO(wrong);
        GatewayWorld world;
        const std::string answered = world.send(post("/locks/a", wrong) + get("/locks"));
        CHECK(answered.starts_with("HTTP/1.1 400 "));
        CHECK(answered.ends_with("\r\n\r\n[]\n"));
    }
}

TEST_CASE("a client that waits for a lock and goes leaves nothing behind") {
    GatewayWorld world;
    world.server.run(wait_and_go(world));
}
