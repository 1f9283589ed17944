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

void append(std::string& text, const EventWatch::Item& item) {
    if (item.event == nullptr) {
        // Their number is not known if they passed while the client was away.
        text += "event: lost\ndata: {\"lost\": " +
                (item.lost != 0 ? std::to_string(item.lost) : std::string("null")) + "}\n\n";
        return;
    }
    text += "id: " + item.event->position + "\nevent: " + item.event->type +
            "\ndata: " + item.event->json + "\n\n";
}

}  // namespace

Task<> EventHandlers::watch(Exchange& exchange) {
    const Request& request = exchange.request();
    std::string type;
    std::vector<IndexFilter> filters;
    for (auto& [name, value] : query_parameters(request.query)) {
        if (name == "type") {
            type = std::move(value);
        } else {
            filters.push_back({std::move(name), std::move(value)});
        }
    }
    if (type.empty()) {
        std::string types = config::to_json(events_.types(*exchange.caller()));
        co_await respond_json_text(exchange, std::move(types));
        co_return;
    }
    WatchOptions options{.resumable = true};
    if (const auto last = request.header("Last-Event-ID")) {
        options.after = *last;
    }
    const std::unique_ptr<EventWatch> watch =
        events_.watch(*exchange.caller(), type, filters, options);
    Headers headers;
    headers.set("Content-Type", "text/event-stream");
    headers.set("Cache-Control", "no-store");
    headers.set("X-Accel-Buffering", "no");  // nginx passes events on at once
    co_await exchange.begin(200, std::move(headers));
    if (!exchange.is_bodyless()) {
        const Counted counted(streams_);
        Task<> streaming = stream(exchange, *watch);
        co_await exchange.while_connected(std::move(streaming));
    }
}

Task<> EventHandlers::stream(Exchange& exchange, EventWatch& watch) {
    // At once, so that the client knows that it watches.
    co_await exchange.write(": watching " + watch.type() + "\n\n");
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
        std::string text = item ? std::string() : std::string(": still here\n\n");
        while (item) {
            append(text, *item);
            item =
                watch.ready() && text.size() < batch ? std::optional(watch.take()) : std::nullopt;
        }
        co_await exchange.write(std::move(text));
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
