#include "modules/http/plugin/lock_handlers.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <new>
#include <string_view>
#include <utility>

#include "config/text/quoted.h"
#include "modules/http/http_error.h"
#include "modules/http/plugin/json_body.h"
#include "modules/system/call/call.h"
#include "modules/system/call/json.h"

namespace weir::http {

namespace {

using namespace std::chrono_literals;

// A session that a connection holds open is renewed so often. It expires by itself if this process
// cannot even close it.
constexpr const char* renewal_time = "10s";
constexpr const char* held_time_to_live = "30s";

const std::string& key_of(const Exchange& exchange) {
    return exchange.parameters().front().second;
}

// Returns the members of a request to acquire.
Json members_from(const std::string& body) {
    constexpr std::string_view known[] = {"context", "shared",       "read", "wait",
                                          "name",    "time_to_live", "hold"};
    Json json = parse_json(body);
    if (json.is_null()) {
        return Json::object();
    }
    if (!json.is_object()) {
        throw HttpError(400, ApiError::bad_parameter, "expected an object");
    }
    for (const auto& [name, value] : json.items()) {
        if (std::find(std::begin(known), std::end(known), name) == std::end(known)) {
            throw HttpError(
                400, ApiError::bad_parameter,
                "unknown parameter '" + config::printable(name) +
                    "'; known are context, shared, read, wait, name, time_to_live and hold");
        }
    }
    if (const auto hold = json.find("hold"); hold != json.end() && !hold->is_boolean()) {
        throw HttpError(400, ApiError::bad_parameter, "hold: expected true or false");
    }
    if (json.value("hold", Json(false)) == true && json.contains("time_to_live")) {
        throw HttpError(400, ApiError::bad_parameter,
                        "hold: the lock is held as long as the connection, without time_to_live");
    }
    return json;
}

// Copies a member under another name, if it is there.
void copy(const Json& from, const char* name, Json& to, const char* other_name) {
    if (const auto found = from.find(name); found != from.end()) {
        to[other_name] = *found;
    }
}

// Returns which lock of which session the request is about.
Json held_lock(const Exchange& exchange) {
    Json parameters{{"key", key_of(exchange)}};
    for (auto& [name, value] : query_parameters(exchange.request().query)) {
        if (name != "session" && name != "context") {
            throw HttpError(400, ApiError::bad_parameter,
                            "unknown parameter '" + config::printable(name) +
                                "'; known are session and context");
        }
        parameters[name] = value;
    }
    if (!parameters.contains("session")) {
        throw HttpError(400, ApiError::bad_parameter, "the query needs session=ID");
    }
    return parameters;
}

void refuse_lost(const Json& info, const std::string& key) {
    for (const Json& lost : info.at("lost")) {
        if (lost.at("key") == key) {
            throw HttpError(409, "lock_lost",
                            "the lock was lost: " + lost.at("reason").get<std::string>());
        }
    }
}

}  // namespace

// Closes a session of locks, unless it is kept: also if the routine is unwound.
class LockHandlers::Session {
public:
    Session(LockHandlers& handlers, Ref<Caller> caller, std::string id)
        : handlers_(handlers), caller_(std::move(caller)), id_(std::move(id)) {}
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session() {
        if (kept_) {
            return;
        }
        // In a routine of its own, because this one may be about to end.
        try {
            handlers_.closing_.start(handlers_.close(caller_, id_), {.name = "close lock session"});
        } catch (const std::bad_alloc&) {  // it expires
        }
    }

    const std::string& id() const noexcept { return id_; }
    void keep() noexcept { kept_ = true; }

private:
    LockHandlers& handlers_;
    const Ref<Caller> caller_;
    const std::string id_;
    bool kept_ = false;
};

Task<> LockHandlers::close(Ref<Caller> caller, std::string id) {
    // The event comes when this routine is gone.
    struct Ended {
        Source& closed;
        ~Ended() { closed.signal(SocketEvent::Type::changed); }
    } const ended{closed_};
    Json parameters{{"session", std::move(id)}};
    detail::JsonCall closing =
        call_for(std::move(caller), ApiName("lock", "close_session"), std::move(parameters));
    static_cast<void>(co_await closing);
}

Task<> LockHandlers::closed() {
    while (!closing_.routines().empty()) {
        co_await SignalWait(closed_, SocketEvent::Type::changed);
    }
}

Task<Json> LockHandlers::call(Exchange& exchange, const char* function, Json parameters,
                              std::optional<Duration> timeout) {
    return calls_.call(exchange, "lock", function, std::move(parameters), timeout);
}

Task<> LockHandlers::list(Exchange& exchange) {
    return calls_.handle(exchange, "lock", "list", {});
}

Task<> LockHandlers::acquire(Exchange& exchange) {
    const std::string body = co_await read_json_text(exchange);
    const Json members = members_from(body);
    const bool hold = members.value("hold", Json(false)) == true;
    Json opening{{"name", exchange.client().address}};
    copy(members, "name", opening, "name");
    copy(members, "time_to_live", opening, "time_to_live");
    if (hold) {
        opening["time_to_live"] = held_time_to_live;
    }
    Task<Json> opened = call(exchange, "open_session", std::move(opening), calls_.timeout());
    Json info = co_await opened;
    Session session(*this, exchange.caller(), info.at("session").get<std::string>());

    Json acquiring{{"session", session.id()}, {"key", key_of(exchange)}, {"timeout", "0s"}};
    copy(members, "context", acquiring, "context");
    copy(members, "shared", acquiring, "shared");
    copy(members, "read", acquiring, "read");
    copy(members, "wait", acquiring, "timeout");
    Task<Json> acquired = call(exchange, "acquire", std::move(acquiring), std::nullopt);
    const Json token = co_await acquired;
    if (token.is_null()) {
        throw HttpError(409, "locked", "the lock was not free within the time of `wait`");
    }
    Json result{{"key", key_of(exchange)}, {"token", token}};
    if (hold) {
        Task<> keeping = keep(exchange, session.id(), result.dump());
        co_await exchange.while_connected(std::move(keeping));
        co_return;
    }
    result["session"] = session.id();
    result["time_to_live"] = info.at("time_to_live");
    Task<std::optional<Json>> renewing = valid_for(exchange, session.id());
    if (const std::optional<Json> time = co_await renewing) {
        result["valid_for"] = *time;
    }
    session.keep();
    co_await respond_json(exchange, result, 201);
}

// Returns how long the lock is certainly held from now on; nothing for a client that may not renew.
// Throws HttpError if the lock is lost already.
Task<std::optional<Json>> LockHandlers::valid_for(Exchange& exchange, std::string session) {
    Json parameters{{"session", std::move(session)}};
    detail::JsonCall renewing =
        call_for(exchange.caller(), ApiName("lock", "renew_session"), std::move(parameters));
    const ApiResult<Json> info = co_await renewing;
    if (!info && info.error().code == ApiError::denied) {
        co_return std::nullopt;
    }
    refuse_lost(info.value(), key_of(exchange));
    co_return info.value().at("valid_for");
}

// The space that it writes now and then finds out whether the client's machine is still there, and
// is nothing in JSON. A lock that is lost is the last line.
Task<> LockHandlers::keep(Exchange& exchange, std::string session, std::string first) {
    Headers headers;
    headers.set("Content-Type", "application/json");
    headers.set("Cache-Control", "no-store");
    co_await exchange.begin(200, std::move(headers));
    co_await exchange.write(first + "\n");
    for (;;) {
        Json parameters{{"session", session}, {"await_loss", renewal_time}};
        detail::JsonCall renewing =
            call_for(exchange.caller(), ApiName("lock", "renew_session"), std::move(parameters));
        const ApiResult<Json> renewed = co_await renewing;
        if (!renewed) {
            throw HttpError(renewed.error());  // the client sees the connection end
        }
        if (const Json& lost = renewed.value().at("lost"); !lost.empty()) {
            const Json last{{"lost", lost.front()}};
            co_await exchange.write(last.dump() + "\n");
            co_return;
        }
        co_await exchange.write("\n");
    }
}

Task<> LockHandlers::renew(Exchange& exchange) {
    static_cast<void>(co_await read_json_text(exchange));
    Task<Json> renewing = call(exchange, "renew_session", held_lock(exchange), calls_.timeout());
    const Json info = co_await renewing;
    refuse_lost(info, key_of(exchange));
    co_await respond_json(exchange, info);
}

Task<> LockHandlers::release(Exchange& exchange) {
    Json parameters = held_lock(exchange);
    Json closing{{"session", parameters.at("session")}};
    Task<Json> releasing = call(exchange, "release", std::move(parameters), calls_.timeout());
    const Json was_held = co_await releasing;
    if (was_held != true) {
        throw HttpError(409, "not_held", "the session does not hold the lock");
    }
    Task<Json> closed = call(exchange, "close_session", std::move(closing), calls_.timeout());
    static_cast<void>(co_await closed);
    Response response{.status = 204};
    co_await exchange.respond(std::move(response));
}

}  // namespace weir::http
