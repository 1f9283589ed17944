#include "modules/http/web_socket.h"

#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "modules/http/http_error.h"
#include "modules/http/test_world.h"
#include "modules/http/web_socket_test_client.h"
#include "modules/system/call/api_error.h"

namespace weir::http {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view accepted =
    "HTTP/1.1 101 Switching Protocols\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

Task<> echo(WebSocket& socket) {
    while (const auto message = co_await socket.receive()) {
        if (message->is_text) {
            co_await socket.send("you said " + message->bytes);
        } else {
            co_await socket.send_binary(message->bytes);
        }
    }
}

struct SocketWorld : HttpWorld {
    explicit SocketWorld(WebSocketHandler of_socket, WebSocketOptions options = {},
                         HttpLimits with = {}, const MemoryFaults& faults = {},
                         std::uint64_t seed = 1)
        : HttpWorld(
              [of_socket = std::move(of_socket), options](Exchange& exchange) {
                  return serve_web_socket(exchange, of_socket, options);
              },
              with, faults, seed) {}

    // Returns what follows the handshake.
    std::string talk(std::vector<std::string> frames, Duration pause = {}) {
        frames.insert(frames.begin(), web_socket_request("/"));
        std::string answered = send(std::move(frames), pause);
        REQUIRE(answered.starts_with(accepted));
        return answered.substr(accepted.size());
    }
};

std::string sent_text(std::string_view text) {
    return frame_bytes(Opcode::text, text);
}
std::string sent_close(std::uint16_t code, std::string_view reason = "") {
    return frame_bytes(Opcode::close, close_payload(code, reason));
}

// The code of the close at the end of what a server has sent.
int last_code(const std::string& sent) {
    const std::size_t at = sent.rfind('\x88');
    REQUIRE(at != std::string::npos);
    REQUIRE(sent.size() >= at + 4);
    return static_cast<unsigned char>(sent[at + 2]) << 8 | static_cast<unsigned char>(sent[at + 3]);
}

}  // namespace

TEST_CASE("a request becomes a WebSocket, whose messages are answered until the client closes") {
    SocketWorld world(echo);
    const std::string answered =
        world.talk({text_frame("one") + masked_frame(0x82, "\xFF") + close_frame()});
    CHECK(answered ==
          sent_text("you said one") + frame_bytes(Opcode::binary, "\xFF") + sent_close(1000));
    CHECK(world.traffic.web_sockets.empty());
}

TEST_CASE("a request that asks in a wrong way for a WebSocket is refused in HTTP") {
    const auto status = [](std::string request) {
        SocketWorld world(echo);
        return world.send({std::move(request)}).substr(9, 3);
    };
    CHECK(status("GET / HTTP/1.1\r\nHost: x\r\n\r\n") == "426");
    CHECK(status("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
                 "Sec-WebSocket-Version: 12\r\n\r\n") == "426");
    CHECK(status("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
                 "Sec-WebSocket-Version: 13\r\n\r\n") == "400");
    CHECK(status("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
                 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2hvcnQ=\r\n\r\n") == "400");
    CHECK(status(web_socket_request("/", "Content-Length: 1\r\n") + "a") == "400");
    CHECK(status("POST / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
                 "Content-Length: 0\r\n\r\n") == "426");
}

TEST_CASE("the first protocol that both sides know is agreed on") {
    SocketWorld world(echo, {.protocols = {"v2", "v1"}});
    const std::string answered =
        world.send({web_socket_request("/", "Sec-WebSocket-Protocol: v0, v1\r\n") + close_frame()});
    CHECK(answered.find("\r\nSec-WebSocket-Protocol: v1\r\n") != std::string::npos);
}

TEST_CASE("a message in parts is one message, with control frames in between") {
    const std::string frames = masked_frame(0x01, "o\xC3") + masked_frame(0x89, "ping") +
                               masked_frame(0x00, "") + masked_frame(0x80, "\xA4") + close_frame();
    const std::string expected =
        frame_bytes(Opcode::pong, "ping") + sent_text("you said o\xC3\xA4") + sent_close(1000);
    SocketWorld whole(echo);
    CHECK(whole.talk({frames}) == expected);
    for (std::uint64_t seed = 1; seed != 10; ++seed) {
        SocketWorld world(echo, {}, {}, {.most_at_once = 3}, seed);
        CHECK(world.talk({frames}) == expected);
    }
}

TEST_CASE("a client that breaks the rules is told why, and closed in order") {
    const auto code = [](std::string frames) {
        SocketWorld world(echo, {.max_message = 100});
        const int found = last_code(world.talk({std::move(frames), text_frame("more")}));
        CHECK(world.failure.empty());
        return found;
    };
    CHECK(code(std::string("\x81\x01"
                           "a")) == 1002);
    CHECK(code(masked_frame(0x80, "a")) == 1002);  // a continuation of nothing
    CHECK(code(masked_frame(0x01, "a") + masked_frame(0x81, "b")) == 1002);  // two at once
    CHECK(code(text_frame("\xC3")) == 1007);
    CHECK(code(masked_frame(0x01, "\xED\xA0") + masked_frame(0x80, "\x80")) == 1007);
    CHECK(code(close_frame("\x03")) == 1002);
    CHECK(code(close_frame("\x03\xEE")) == 1002);  // 1006, which must not be sent
    CHECK(code(close_frame("\x03\xE8\xFF")) == 1007);
    CHECK(code(text_frame(std::string(101, 'a'))) == 1009);
    CHECK(code(masked_frame(0x01, std::string(60, 'a')) +
               masked_frame(0x80, std::string(41, 'a'))) == 1009);
}

TEST_CASE("a frame that is announced too long is refused before it comes") {
    SocketWorld world(echo);
    CHECK(last_code(world.talk(
              {std::string("\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0", 14)})) == 1009);
}

TEST_CASE("a close says its code and its reason to the handler") {
    CloseReason reason;
    SocketWorld world([&reason](WebSocket& socket) -> Task<> {
        const auto none = co_await socket.receive();
        CHECK_FALSE(none);
        CHECK_FALSE(socket.is_open());
        reason = socket.closed();
        CHECK_THROWS_AS(socket.send("late"), StreamError);
    });
    CHECK(world.talk({close_frame("\x0F\xA0"
                                  "enough")}) == sent_close(4000));
    CHECK(reason.code == 4000);
    CHECK(reason.text == "enough");
}

TEST_CASE("a connection that ends without a close is closed with code 1006") {
    std::uint16_t code = 0;
    SocketWorld world([&code](WebSocket& socket) -> Task<> {
        co_await echo(socket);
        code = socket.closed().code;
    });
    CHECK(world.talk({text_frame("a")}) == sent_text("you said a"));
    CHECK(code == close_code::abnormal);
}

TEST_CASE("a server that closes waits for the client's answer, and not for ever") {
    Duration took{};
    const WebSocketHandler close = [&took](WebSocket& socket) -> Task<> {
        const Time before = socket.exchange().scheduler().now();
        co_await socket.close(4001, "bye");
        took = socket.exchange().scheduler().now() - before;
    };
    SocketWorld answers(close);
    CHECK(answers.talk({text_frame("still"), close_frame("\x0F\xA1")}, 1s) ==
          sent_close(4001, "bye"));
    CHECK(took == 2s);
    SocketWorld silent(close);
    CHECK(silent.talk({text_frame("a"), text_frame("b")}, 1min) == sent_close(4001, "bye"));
    CHECK(took == 5s);
}

TEST_CASE("a client that is silent gets a ping, and fails when it does not answer") {
    SocketWorld world(echo, {.ping_interval = 20s});
    // One pong after 25 s, then nothing for two minutes.
    const std::string answered = world.talk({masked_frame(0x8A, ""), "", "", "", "", ""}, 25s);
    CHECK(answered == frame_bytes(Opcode::ping, "") + frame_bytes(Opcode::ping, ""));
    CHECK(world.failure.find("answer a ping") != std::string::npos);
}

TEST_CASE("a deadline ends a receive, and loses nothing") {
    SocketWorld world([](WebSocket& socket) -> Task<> {
        const Time deadline = socket.exchange().scheduler().now() + 5s;
        bool expired = false;
        try {
            static_cast<void>(co_await socket.receive(deadline));
        } catch (const StreamError& error) {
            expired = error.code() == UV_ETIMEDOUT;
        }
        CHECK(expired);
        const auto message = co_await socket.receive();
        REQUIRE(message);
        co_await socket.send(message->bytes);
    });
    const std::string frame = text_frame("slow");
    const std::string answered = world.talk({frame.substr(0, 7), frame.substr(7)}, 10s);
    CHECK(answered == sent_text("slow") + sent_close(1000));
}

namespace {

// Opens the socket, sends, and does not read for a while.
Task<> send_and_wait(SocketWorld& world, std::string bytes, Duration pause, std::string& answered) {
    co_await world.client_side->write(web_socket_request("/"));
    co_await world.client_side->write(std::move(bytes));
    co_await sleep(pause);
    try {
        co_await world.read_all(answered);
    } catch (const StreamError&) {
    }
}

}  // namespace

TEST_CASE("a client that floods with pings and does not read costs bounded memory") {
    std::size_t most = 0;
    SocketWorld world(echo);
    std::string flood;
    for (int i = 0; i != 20'000; ++i) {
        flood += masked_frame(0x89, std::string(125, static_cast<char>('a' + i % 26)));
    }
    flood += masked_frame(0x89, "last") + close_frame();
    const auto measure = [](SocketWorld& of, std::size_t& pending) -> Task<> {
        for (int i = 0; i != 60; ++i) {
            co_await sleep(1s);
            pending = std::max(pending, of.server_side ? of.server_side->pending() : 0);
        }
    };
    std::string answered;
    world.run(world.serve(), measure(world, most), send_and_wait(world, flood, 10s, answered));
    CHECK(most > 0);
    CHECK(most < 70'000);
    CHECK(answered.ends_with(sent_close(1000)));
    CHECK(answered.size() < flood.size());
}

TEST_CASE("a sender waits for a client that reads slowly, and gives up on one that never reads") {
    int sent = 0;
    const WebSocketHandler flood = [&sent](WebSocket& socket) -> Task<> {
        for (; sent != 1000; ++sent) {
            co_await socket.send(std::string(10'000, 'a'));
        }
    };
    SocketWorld slow(flood);
    std::string answered;
    slow.run(slow.serve(), send_and_wait(slow, close_frame(), 10s, answered));
    CHECK(sent == 1000);
    CHECK(answered.size() > 10'000'000);

    sent = 0;
    SocketWorld never(flood, {}, {.write_time = 30s});
    answered.clear();
    never.run(never.serve(), send_and_wait(never, "", 1h, answered));
    CHECK(sent < 50);
    CHECK(never.failure.find("ETIMEDOUT") != std::string::npos);
}

TEST_CASE("a socket on which no routine receives reads no more than its buffer holds") {
    std::size_t held = 0;
    SocketWorld world(
        [&held](WebSocket& socket) -> Task<> {
            co_await sleep(1min);
            held = socket.exchange().stream().input().size();
            co_await echo(socket);
        },
        {.ping_interval = {}});
    const std::string frame = text_frame(std::string(1000, 'a'));
    std::string frames;
    for (int i = 0; i != 200; ++i) {
        frames += frame;
    }
    const std::string answered = world.talk({frames + close_frame()});
    CHECK(held <= 16 * 1024);
    CHECK(answered.size() == 200 * (2 + 2 + 9 + 1000) + 4);
}

TEST_CASE("a task beside which the client closes is unwound") {
    bool unwound = false;
    SocketWorld world([&unwound](WebSocket& socket) -> Task<> {
        struct Note {
            bool& noted;
            ~Note() { noted = true; }
        };
        const auto tick = [](WebSocket& of, bool& noted) -> Task<> {
            const Note note{noted};
            for (int i = 0;; ++i) {
                co_await of.send(std::to_string(i));
                co_await sleep(1s);
            }
        };
        const bool ended = co_await socket.while_open(tick(socket, unwound));
        CHECK_FALSE(ended);
        CHECK(socket.closed().code == 1000);
    });
    CHECK(world.talk({masked_frame(0x89, "x"), close_frame()}, 1400ms) ==
          sent_text("0") + sent_text("1") + frame_bytes(Opcode::pong, "x") + sent_text("2") +
              sent_close(1000));
    CHECK(unwound);
}

TEST_CASE("a message to a handler that only sends closes the socket") {
    SocketWorld world([](WebSocket& socket) -> Task<> {
        const auto wait = []() -> Task<> { co_await sleep(1h); };
        const bool ended = co_await socket.while_open(wait());
        CHECK_FALSE(ended);
    });
    CHECK(last_code(world.talk({text_frame("hello")}, 1s)) == 1003);
}

TEST_CASE("another routine can end a socket on which one waits") {
    SocketWorld world(echo);
    const auto end = [](SocketWorld& of) -> Task<> {
        co_await sleep(1s);
        for (WebSocket& socket : of.traffic.web_sockets) {
            socket.end(close_code::going_away, "the server ends");
        }
    };
    std::string answered;
    world.run(world.serve(), end(world),
              world.write_all({web_socket_request("/"), close_frame("\x03\xE9")}, 2s),
              world.read_all(answered));
    CHECK(answered == std::string(accepted) + sent_close(1001, "the server ends"));
}

TEST_CASE("a socket whose handler is unwound says that the server ends") {
    SocketWorld world(echo);
    std::string answered;
    const Ref<Routine> serving = world.container.start(world.serve(), {.name = "serve"});
    const auto unwind = [](SocketWorld& of, Routine& routine) -> Task<> {
        co_await sleep(1s);
        routine.close();
        of.server_side.reset();
    };
    world.run(unwind(world, *serving), world.write_all({web_socket_request("/"), ""}, 2s),
              world.read_all(answered));
    CHECK(last_code(answered) == 1001);
}

TEST_CASE("a handler that fails closes the socket with a code that says so") {
    SocketWorld denied([](WebSocket&) -> Task<> {
        co_await sleep(1s);
        throw ApiException(ApiError::denied, "not for you");
    });
    CHECK(denied.talk({""}, 5s) == sent_close(1008, "denied: not for you"));

    SocketWorld wrong([](WebSocket& socket) -> Task<> { return socket.send("\xFF"); });
    std::string answered;
    wrong.container.start(wrong.serve());
    wrong.container.start(wrong.write_all({web_socket_request("/a")}, 1s));
    wrong.container.start(wrong.read_all(answered));
    wrong.scheduler.run();
    CHECK(last_code(answered) == 1011);
    REQUIRE(wrong.log.size() == 1);
    CHECK(wrong.log[0].find("the handler of the WebSocket at /a ended") != std::string::npos);
}

}  // namespace weir::http
