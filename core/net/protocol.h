#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/event/event.h"
#include "core/net/address.h"
#include "core/net/connection_events.h"
#include "core/net/socket_error.h"
#include "core/run/task.h"
#include "core/stream/byte_stream.h"
#include "core/tls/tls_context.h"

namespace weir {

class Client;
class SocketServer;

// Returns the wait before the n-th try to connect again, counted from 0; nothing: give up.
using Backoff = std::function<std::optional<Duration>(std::size_t n)>;

// 1, 2, 4, 8, 16, 32 seconds, then 30 more each time up to 300.
std::optional<Duration> standard_backoff(std::size_t n);

// How a protocol's connections are served. Times of 0 mean never.
struct ConnectionOptions {
    // With its write_buffer_size pending, no more write events are taken from their queue.
    StreamOptions stream = {};
    // A connection that has received nothing for so long is closed.
    Duration idle_timeout{};
    // Each time that nothing was received, or nothing written, for so long, the hook `keepalive` is
    // called. A protocol can ping the peer there, and a longer idle_timeout then closes connections
    // to peers that are gone.
    Duration keepalive_time{};
    Duration write_keepalive_time{};
    // How long a shutdown may take, from the order to the end.
    Duration shutdown_timeout = std::chrono::seconds(10);
    // Clients: connect again when the connection ends other than by our shutdown.
    bool persist = false;
    // Clients: for the look-up of the name, and for each address.
    Duration connect_timeout = std::chrono::seconds(30);
    // Clients of tls:// addresses; see ConnectOptions.
    std::shared_ptr<TlsContext> tls = {};
    // Clients: the waits between two tries.
    Backoff backoff = standard_backoff;
};

// Bytes that were received and not consumed.
struct Input {
    std::string_view bytes;
    std::size_t seen = 0;  // how many of them the last call had already
    bool ended = false;    // no more will come; this is the last call
};

using Events = std::vector<Ref<Event>>;

// Bytes to write.
struct Output {
    std::string bytes;
    bool end = false;  // nothing follows
};

// Turns the bytes of connections into events, and events into bytes. Derive from it for a protocol.
// One object may serve many connections, and keeps the state of each in Connection::data.
//
// Hooks that return a Task may wait. They run one after the other, except where noted. When a hook
// throws, that is logged, and its connection is closed; the server and other connections go on.
class Protocol {
public:
    explicit Protocol(ConnectionOptions options = {}) : options_(std::move(options)) {}
    Protocol(const Protocol&) = delete;
    Protocol& operator=(const Protocol&) = delete;
    virtual ~Protocol() = default;

    const ConnectionOptions& options() const noexcept { return options_; }

    // Appends the events that the bytes stand for to `events`, and returns how many bytes it has
    // consumed. The events are sent in order, waiting while their queue is full; meanwhile nothing
    // is parsed, and reading stops when the buffer is full. Called again when more bytes have come,
    // and once at the end of the input. A message longer than the largest buffer ends the
    // connection.
    virtual std::size_t parse(Connection& connection, const Input& input, Events& events) = 0;

    // Returns the bytes of a write event; here the event's own.
    virtual Output serialize(Connection& connection, ConnectionWriteEvent& event);

    // The connection is open for the first time. Parsing begins when this returns.
    virtual Task<> init(Connection& connection);
    // A client has connected again. Parsing begins when this returns.
    virtual Task<> reconnected(Connection& connection);
    // The peer sends no more, and all its input was parsed and sent as events; it may still
    // receive. Here: lets routines that are ready run, and hangs up in order. Runs beside the other
    // hooks.
    virtual Task<> input_ended(Connection& connection);
    // Nothing was received, or nothing written, for the time in the options. Not called again
    // before it returns. Runs beside the other hooks.
    virtual Task<> keepalive(Connection& connection);
    // The connection has ended: `error` after an error of the socket, `closed` otherwise.
    virtual Task<> closed(Connection& connection, CloseReason reason);
    virtual Task<> error(Connection& connection, const SocketError& error);
    // A client could not connect, and gives up.
    virtual Task<> not_connected(Connection& client, const SocketError& error);
    // The last hook, called if the connection was ever open. The connection of a server is
    // destroyed when it returns.
    virtual Task<> final(Connection& connection);

    // A peer has connected. Returns the protocol for the new connection, here this one; it must
    // outlive the server. null: the connection is refused.
    virtual Protocol* accept(SocketServer& server, const SocketAddress& peer);
    // Returns the bytes that a peer gets that is refused; here none. Called for each that is: there
    // are too many connections, no file descriptor is left, or accept() returned null.
    virtual std::string refusal(SocketServer& server);
    // A server and all its connections have ended.
    virtual Task<> server_ended(SocketServer& server);

private:
    const ConnectionOptions options_;
};

}  // namespace weir
