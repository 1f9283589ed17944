#include "modules/http/plugin/event_handlers.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/document/value.h"
#include "core/wait/timeout.h"
#include "modules/http/counted.h"
#include "modules/http/http_error.h"
#include "modules/http/plugin/json_body.h"
#include "modules/system/event/event_exchange.h"

namespace weir::http {

namespace {

// Events that are ready together are written together, up to about so many bytes.
constexpr std::size_t batch = 32 * 1024;

// Their number is not known if they passed while the client was away.
std::string lost_json(std::uint64_t lost) {
    return R"({"lost": )" + (lost != 0 ? std::to_string(lost) : std::string("null")) + "}";
}

}  // namespace

// Where a stream of events goes.
class EventHandlers::Sink {
public:
    virtual void add(const EventWatch::Item& item) = 0;
    virtual std::size_t size() const noexcept = 0;  // bytes that were added and not written
    virtual Task<> write() = 0;
    // Nothing has been written for a while.
    virtual Task<> keep_alive() = 0;

protected:
    ~Sink() = default;
};

// Server-sent events.
class EventHandlers::Lines final : public Sink {
public:
    explicit Lines(Exchange& exchange) noexcept : exchange_(exchange) {}

    void add(const EventWatch::Item& item) override {
        if (item.event == nullptr) {
            text_ += "event: lost\ndata: " + lost_json(item.lost) + "\n\n";
            return;
        }
        text_ += "id: " + item.event->position + "\nevent: " + item.event->type +
                 "\ndata: " + item.event->json + "\n\n";
    }
    std::size_t size() const noexcept override { return text_.size(); }
    Task<> write() override { return exchange_.write(std::exchange(text_, {})); }
    Task<> keep_alive() override { return exchange_.write(": still here\n\n"); }

private:
    Exchange& exchange_;
    std::string text_;
};

// A message for each event.
class EventHandlers::Messages final : public Sink {
public:
    explicit Messages(WebSocket& socket) noexcept : socket_(socket) {}

    void add(const EventWatch::Item& item) override {
        std::string text;
        if (item.event == nullptr) {
            text = lost_json(item.lost);
        } else {
            text = R"({"id": )" + config::to_json(config::Value(item.event->position)) +
                   R"(, "type": )" + config::to_json(config::Value(item.event->type)) +
                   R"(, "data": )" + item.event->json + "}";
        }
        size_ += text.size();
        socket_.post(text);
    }
    std::size_t size() const noexcept override { return size_; }
    Task<> write() override {
        size_ = 0;
        return socket_.room();
    }
    Task<> keep_alive() override { return socket_.room(); }  // pings do that

private:
    WebSocket& socket_;
    std::size_t size_ = 0;
};

Task<> EventHandlers::watch(Exchange& exchange) {
    const Request& request = exchange.request();
    std::string type;
    std::vector<IndexFilter> filters;
    WatchOptions options{.resumable = request.method != "HEAD"};  // gets no position
    for (auto& [name, value] : query_parameters(request.query)) {
        if (name == "type") {
            type = std::move(value);
        } else if (name == "last_event_id") {
            options.after = std::move(value);
        } else {
            filters.push_back({std::move(name), std::move(value)});
        }
    }
    if (type.empty()) {
        std::string types = config::to_json(events_.types(*exchange.caller()));
        co_await respond_json_text(exchange, std::move(types));
        co_return;
    }
    // A browser that connects again by itself sends the header, which is newer.
    if (const auto last = request.header("Last-Event-ID")) {
        options.after = *last;
    }
    const std::unique_ptr<EventWatch> watch =
        events_.watch(*exchange.caller(), type, filters, options);
    Task<> streaming =
        request.asks_for_web_socket()
            ? serve_web_socket(
                  exchange,
                  [this, &watch](WebSocket& socket) { return stream_messages(socket, *watch); },
                  web_sockets_)
            : stream_lines(exchange, *watch);
    co_await std::move(streaming);
}

Task<> EventHandlers::stream_lines(Exchange& exchange, EventWatch& watch) {
    Headers headers;
    headers.set("Content-Type", "text/event-stream");
    headers.set("Cache-Control", "no-store");
    headers.set("X-Accel-Buffering", "no");  // nginx passes events on at once
    co_await exchange.begin(200, std::move(headers));
    if (exchange.is_bodyless()) {
        co_return;
    }
    const Counted counted(streams_);
    // At once, so that the client knows that it watches.
    co_await exchange.write(": watching " + watch.type() + "\n\n");
    Lines lines(exchange);
    Task<> streaming = stream(*exchange.caller(), watch, lines);
    co_await exchange.while_connected(std::move(streaming));
}

Task<> EventHandlers::stream_messages(WebSocket& socket, EventWatch& watch) {
    const Counted counted(streams_);
    Messages messages(socket);
    const bool ended =
        co_await socket.while_open(stream(*socket.exchange().caller(), watch, messages));
    if (ended) {
        co_await socket.close(stopping_ ? close_code::going_away : close_code::policy,
                              stopping_ ? "the server ends" : "the right to watch has gone");
    }
}

// Ends when the server does, or when the client may watch no longer.
Task<> EventHandlers::stream(const Caller& client, EventWatch& watch, Sink& sink) {
    const MatcherOf<SocketEvent> stopped = stopped_.matcher(SocketEvent::Type::changed);
    while (!stopping_) {
        stopped_.want(SocketEvent::Type::changed);
        std::optional<EventWatch::Item> item;
        try {
            auto next = [](EventWatch& from, Duration time,
                           std::optional<EventWatch::Item>& result) -> Task<> {
                result = co_await execute_with_timeout(time, from.next());
            };
            co_await with_exception(next(watch, keepalive_, item), stopped);
        } catch (const MatchedException&) {
            continue;
        }
        if (EventExchange::refusal_to_watch(client)) {
            co_return;
        }
        if (!item) {
            co_await sink.keep_alive();
            continue;
        }
        while (item) {
            sink.add(*item);
            item =
                watch.ready() && sink.size() < batch ? std::optional(watch.take()) : std::nullopt;
        }
        co_await sink.write();
    }
}

Task<> EventHandlers::publish(Exchange& exchange) {
    std::string json = co_await read_json_text(exchange);
    std::string type = exchange.parameters().front().second;
    Task<> publishing = events_.publish(*exchange.caller(), std::move(type), std::move(json));
    co_await exchange.while_connected(std::move(publishing));
    Response response{.status = 204};
    co_await exchange.respond(std::move(response));
}

void EventHandlers::stop() {
    stopping_ = true;
    stopped_.signal(SocketEvent::Type::changed);
}

}  // namespace weir::http
