#include "modules/http/plugin/call_socket.h"

#include <optional>
#include <string>
#include <utility>

#include "config/text/quoted.h"
#include "core/run/container.h"
#include "modules/http/counted.h"
#include "modules/http/http_error.h"
#include "modules/http/plugin/json_body.h"
#include "modules/http/request_span.h"
#include "modules/system/call/call.h"
#include "modules/system/call/json.h"
#include "modules/system/call/json_writer.h"

namespace weir::http {

namespace {

// Calls under way of one client. It may open further connections, of which there is a limit, too.
constexpr std::size_t most_calls = 64;

struct SocketCall {
    Json id;
    ApiName name;
    Json parameters;
    std::string traceparent;  // "": the call is part of no trace
};

// Throws HttpError and ApiException; `id` is set as soon as it is known.
SocketCall read_call(const std::string& text, Json& id) {
    Json json = parse_json(text);
    if (!json.is_object()) {
        throw HttpError(400, ApiError::bad_parameter, "expected an object");
    }
    std::string name;
    std::string traceparent;
    Json parameters;
    for (auto& [member, value] : json.items()) {
        if (member == "id") {
            id = std::move(value);
        } else if (member == "call" && value.is_string()) {
            name = value.get<std::string>();
        } else if (member == "parameters") {
            parameters = std::move(value);
        } else if (member == "traceparent" && value.is_string()) {
            traceparent = value.get<std::string>();
        } else {
            throw HttpError(400, ApiError::bad_parameter,
                            "the member '" + config::printable(member) +
                                "' is wrong; expected id, call, parameters and traceparent");
        }
    }
    const std::size_t dot = name.find('.');
    if (dot == std::string::npos) {
        throw HttpError(400, ApiError::bad_parameter,
                        "the member 'call' is missing, or not MODULE.FUNCTION");
    }
    return {id, ApiName(name.substr(0, dot), name.substr(dot + 1)), std::move(parameters),
            std::move(traceparent)};
}

std::string error_text(const Json& id, std::string_view code, std::string_view message) {
    return json_text({{"id", id}, {"error", {{"code", code}, {"message", message}}}});
}

class CallSocket {
public:
    CallSocket(WebSocket& socket, std::optional<Duration> timeout)
        : socket_(socket), timeout_(timeout), running_(socket.exchange().scheduler()) {}

    void take(const WebSocketMessage& message) {
        Json id;
        try {
            SocketCall call = read_call(message.bytes, id);
            if (calls_ == most_calls) {
                socket_.post(error_text(id, ApiError::rejected,
                                        "more than " + std::to_string(most_calls) +
                                            " calls of one WebSocket at a time"));
                return;
            }
            running_.start(run(std::move(call)), {.name = "call by WebSocket", .foreground = true});
        } catch (const HttpError& error) {
            socket_.post(error_text(id, error.code(), error.what()));
        } catch (const ApiException& error) {
            socket_.post(error_text(id, error.error().code, error.error().message));
        }
    }

private:
    Task<> run(SocketCall call) {
        const Counted counted(calls_);
        Routine& routine = co_await this_routine();
        routine.set_trace_context(
            trace_of_client(call.traceparent, "", socket_.exchange().traffic().spans));
        detail::JsonCall calling = call_for(socket_.exchange().caller(), std::move(call.name),
                                            std::move(call.parameters), timeout_);
        const ApiResult<Json> result = co_await calling;
        socket_.post(result ? json_text({{"id", call.id}, {"result", result.value()}})
                            : error_text(call.id, result.error().code, result.error().message));
    }

    WebSocket& socket_;
    const std::optional<Duration> timeout_;
    std::size_t calls_ = 0;
    Container running_;  // the last: its routines use the rest
};

}  // namespace

Task<> serve_calls(WebSocket& socket, const CallHandler& calls) {
    CallSocket call_socket(socket, calls.timeout());
    while (const auto message = co_await socket.receive()) {
        call_socket.take(*message);
        co_await socket.room();
    }
}

}  // namespace weir::http
