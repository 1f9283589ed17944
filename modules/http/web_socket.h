#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/list.h"
#include "core/run/timer.h"
#include "core/stream/byte_stream.h"
#include "modules/http/exchange.h"
#include "modules/http/web_socket_frame.h"

namespace weir::http {

struct WebSocketOptions {
    // Bytes of the longest message that is received, its parts together.
    std::size_t max_message = 1024 * 1024;
    // A client from which nothing has come for so long gets a ping. If nothing comes for as long
    // again, its connection has failed. 0: never.
    Duration ping_interval = std::chrono::seconds(20);
    // How long a client may take to answer a close.
    Duration close_time = std::chrono::seconds(5);
    // Subprotocols, of which the first one that the client offers, too, is agreed on.
    std::vector<std::string> protocols = {};
};

struct WebSocketMessage {
    bool is_text = true;
    std::string bytes;  // UTF-8 if it is text
};

// A WebSocket of a client (RFC 6455), as the routine that serves it sees it:
//
//     weir::Task<> repeat(weir::http::WebSocket& socket) {
//         while (const auto message = co_await socket.receive()) {
//             co_await socket.send("you said " + message->bytes);
//         }
//     }
//
// Pings are answered, and dead clients found, while a routine waits in receive() or while_open().
// Backpressure: nothing is read while no routine receives, and send() waits while the client reads
// slower than the server sends. At most one routine receives and one sends at a time.
//
// Lives while its handler runs. serve_web_socket() makes it; a handler that returns closes it.
class WebSocket : public Link<WebSocket> {
public:
    // `exchange`: has switched protocols.
    WebSocket(Exchange& exchange, WebSocketOptions options);
    // Queues a close with code 1001 if the handler is unwound while the socket is open: the server
    // ends.
    ~WebSocket();
    WebSocket(const WebSocket&) = delete;
    WebSocket& operator=(const WebSocket&) = delete;

    // The request that has opened it: who the client is, the parameters of the path.
    Exchange& exchange() const noexcept { return exchange_; }

    // Returns the next message; nothing when either side has closed the socket, or the connection
    // has ended: closed() says why. Throws WebSocketError if the client breaks the rules,
    // StreamError with UV_ETIMEDOUT at the deadline, after which the socket still works, or if the
    // client does not answer pings.
    Task<std::optional<WebSocketMessage>> receive(Time deadline = no_deadline);

    // Send a whole message; wait while too many bytes are pending. Throw StreamError if the client
    // takes nothing for the time of HttpLimits::write_time, or the socket is closed. send() throws
    // std::invalid_argument for what is not UTF-8.
    Task<> send(std::string_view text);
    Task<> send_binary(std::string_view bytes);

    // Queues a message and does not wait, for routines beside the one that sends. That one awaits
    // room() before it starts more of them. Drops the message if the socket is closed.
    void post(std::string_view text);
    // Waits while too many bytes are pending. Throws StreamError as send().
    Task<> room();

    // co_await socket.while_open(task): awaits the task, for handlers that only send. Returns
    // whether it has ended by itself: false if the socket was closed before, by which the task is
    // unwound. A message of the client closes the socket. Otherwise throws as receive().
    Task<bool> while_open(Task<> task);

    // Sends a close, and waits until the client has answered it, for close_time at most. Drops
    // messages that come meanwhile. Does nothing more if the socket is closed.
    Task<> close(std::uint16_t code = close_code::normal, std::string reason = {});
    // Begins to close it, from any routine: the routine that receives, or is in while_open(),
    // returns as if the client had closed.
    void end(std::uint16_t code = close_code::going_away, std::string_view reason = {});

    bool is_open() const noexcept { return !closed_; }
    // Why it was closed; by the side that was first. Requires !is_open().
    const CloseReason& closed() const noexcept { return *closed_; }

private:
    struct HasClosed {};  // thrown into the task of while_open()

    std::optional<WebSocketMessage> take();
    void begin_frame();
    std::optional<WebSocketMessage> end_frame();
    void end_control_frame();
    WebSocketMessage end_message();
    std::optional<WebSocketMessage> look();
    void close_with(std::uint16_t code, std::string_view reason);
    void queue(Opcode opcode, std::string_view payload);
    void answer_ping();
    void check_alive();
    Task<> write(std::string frame);
    std::vector<Matcher> matchers() const;

    Exchange& exchange_;
    ByteStream& stream_;
    const WebSocketOptions options_;
    const MatcherOf<SocketEvent> readable_;
    const Timer timer_;
    std::optional<Time> pinged_at_;
    bool close_sent_ = false;
    bool close_received_ = false;
    std::optional<CloseReason> closed_;

    std::optional<FrameHead> frame_;  // whose payload comes
    std::uint64_t left_ = 0;          // of its payload
    std::string control_;             // the payload of a control frame
    std::optional<std::string> owed_pong_;
    Opcode message_opcode_ = Opcode::continuation;  // of the message that comes; none
    std::string message_;
};

using WebSocketHandler = std::function<Task<>(WebSocket&)>;

// Answers a request by opening a WebSocket, runs the handler, and closes the socket:
//
//     weir::Task<> open(weir::http::Exchange& exchange) {
//         return serve_web_socket(exchange, repeat);
//     }
//
// A handler that throws ApiException closes the socket with 1008 and the error's code and message;
// any other exception is logged, and closes it with 1011. Throws HttpError if the request does not
// ask for a WebSocket (426), or asks in a wrong way.
Task<> serve_web_socket(Exchange& exchange, WebSocketHandler handler,
                        WebSocketOptions options = {});

}  // namespace weir::http
