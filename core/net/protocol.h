#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/event/event.h"
#include "core/net/connection_events.h"
#include "core/net/socket_error.h"
#include "core/net/stream.h"
#include "core/run/task.h"

namespace weir {

class Client;
class SocketServer;

// The wait before the n-th try to connect again, counted from 0; nothing: give up.
using Backoff = std::function<std::optional<Duration>(std::size_t n)>;

// 1, 2, 4, 8, 16, 32 seconds, then 30 more each time up to 300.
std::optional<Duration> standard_backoff(std::size_t n);

// Times of 0 mean never.
struct ConnectionOptions {
    StreamOptions stream = {};
    // Bytes that wait for the socket before no more write events are taken.
    std::size_t write_buffer_size = 64 * 1024;
    // When nothing was received for so long the connection is closed.
    Duration idle_timeout{};
    // When nothing was received, or written, for so long, the hook `keepalive` is called, again
    // and again. With an idle_timeout that is longer, this finds peers that are gone.
    Duration keepalive_time{};
    Duration write_keepalive_time{};
    // How long a shutdown may take, from the order to the end.
    Duration shutdown_timeout = std::chrono::seconds(10);
    // Of clients: connect again when the connection ends other than by our shutdown.
    bool persist = false;
    // Of clients: for the look-up of the name, and for each address.
    Duration connect_timeout = std::chrono::seconds(30);
    Backoff backoff = standard_backoff;
};

// What was received and not consumed.
struct Input {
    std::string_view bytes;
    std::size_t seen = 0;  // so many of them were there the last time
    bool ended = false;    // no more will come; this is the last call
};

using Events = std::vector<Ref<Event>>;

// What is to be written.
struct Output {
    std::string bytes;
    bool end = false;  // and nothing after it
};

// Turns bytes into events and back. One object may serve many connections; what it must know of
// one it keeps in Connection::data.
//
// The hooks that return a Task run as a routine, in turn, except where noted; they may wait. One
// that throws is logged, and its connection is dropped, and nothing else.
class Protocol {
public:
    explicit Protocol(ConnectionOptions options = {}) : options_(std::move(options)) {}
    Protocol(const Protocol&) = delete;
    Protocol& operator=(const Protocol&) = delete;
    virtual ~Protocol() = default;

    const ConnectionOptions& options() const noexcept { return options_; }

    // Appends the events that the bytes are to `events`, and returns how many bytes that was. The
    // events are sent in order, waiting while their queue is full; until then nothing is parsed,
    // and soon nothing is read. It is called again when more has come; of a message that is longer
    // than the largest buffer the connection dies. At the end it is called once more.
    virtual std::size_t parse(Connection& connection, const Input& input, Events& events) = 0;

    // The bytes that a write event is; here its own.
    virtual Output serialize(Connection& connection, ConnectionWriteEvent& event);

    // A connection is there for the first time. Nothing is parsed before this is done.
    virtual Task<> init(Connection& connection);
    // A client has connected again. Nothing is parsed before this is done.
    virtual Task<> reconnected(Connection& connection);
    // The peer sends no more, and everything has been parsed and sent; it may still receive. Here:
    // lets all that is ready run, and hangs up in order. Beside the other hooks.
    virtual Task<> input_ended(Connection& connection);
    // Nothing was received or written for the time of the options; see there. Not again before
    // this is done. Beside the other hooks.
    virtual Task<> keepalive(Connection& connection);
    // The connection has ended, or has ended with an error of the socket.
    virtual Task<> closed(Connection& connection, CloseReason reason);
    virtual Task<> error(Connection& connection, const SocketError& error);
    // A client could not connect, and gives up.
    virtual Task<> not_connected(Connection& client, const SocketError& error);
    // After all, if there ever was a connection. Of a server's connection: it is destroyed next.
    virtual Task<> final(Connection& connection);

    // Somebody has connected. The protocol for the new connection, here this one; it must outlive
    // the server. null: the connection is refused.
    virtual Protocol* accept(SocketServer& server, const SocketAddress& peer);
    // A server has ended, with all its connections.
    virtual Task<> server_ended(SocketServer& server);

private:
    const ConnectionOptions options_;
};

}  // namespace weir
