#pragma once

#include <cstddef>
#include <memory>

#include "core/base/clock.h"
#include "core/run/task.h"
#include "core/stream/socket_events.h"
#include "modules/http/exchange.h"
#include "modules/http/web_socket.h"

namespace weir {

class Caller;
class EventExchange;
class EventWatch;

}  // namespace weir

namespace weir::http {

// Events as a stream to clients, as server-sent events or by a WebSocket, and requests as events.
//
// A client that reads slower than events come loses some, and gets an event `lost` with their
// number: no sender of events waits for it. One that connects again says in `Last-Event-ID`, or in
// the query's `last_event_id`, where it was, and gets what it has missed, as far as that is kept
// (EventTopic::history_limits).
class EventHandlers {
public:
    // The exchange must outlive this.
    EventHandlers(Scheduler& scheduler, EventExchange& events) noexcept
        : events_(events), stopped_(scheduler) {}

    // Answers GET /events?type=TYPE&INDEX=VALUE with a stream that does not end, by a WebSocket if
    // the client asks for one, or with the descriptions of all types if none is named. Throws
    // HttpError and ApiException.
    Task<> watch(Exchange& exchange);
    // Answers POST /events/{type} with an event as JSON: 204 when its queue has taken it.
    Task<> publish(Exchange& exchange);

    // Ends all streams, in order; further ones end at once.
    void stop();
    // Undoes that for streams that follow.
    void go_on() noexcept { stopping_ = false; }
    void set_keepalive(Duration time) noexcept { keepalive_ = time; }
    void set_web_sockets(WebSocketOptions options) { web_sockets_ = std::move(options); }
    std::size_t streams() const noexcept { return streams_; }

private:
    class Sink;
    class Lines;
    class Messages;
    Task<> stream_lines(Exchange& exchange, EventWatch& watch);
    Task<> stream_messages(WebSocket& socket, EventWatch& watch);
    Task<> stream(const Caller& client, EventWatch& watch, Sink& sink);

    EventExchange& events_;
    Source stopped_;
    bool stopping_ = false;
    Duration keepalive_ = std::chrono::seconds(15);
    WebSocketOptions web_sockets_;
    std::size_t streams_ = 0;
};

}  // namespace weir::http
