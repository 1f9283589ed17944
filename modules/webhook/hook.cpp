#include "modules/webhook/hook.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "config/text/utf8.h"
#include "core/base/ascii.h"
#include "core/simulation/wall_clock.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "modules/http/counted.h"
#include "modules/http/http_error.h"
#include "modules/http/target.h"
#include "modules/system/call/json.h"
#include "modules/webhook/events.h"

namespace weir::webhook {

namespace {

std::map<std::string, std::string> object_of(const http::Parameters& parameters) {
    std::map<std::string, std::string> made;
    for (const auto& [parameter_name, value] : parameters) {
        made[parameter_name] = value;
    }
    return made;
}

std::string checked_text(std::string_view text, const char* what) {
    if (config::utf8_prefix(text) != text.size()) {
        throw http::HttpError(400, ApiError::bad_parameter, std::string(what) + " is no UTF-8");
    }
    return std::string(text);
}

// Without parameters: "application/json; charset=utf-8".
std::string media_type(const http::Request& request) {
    std::string type = in_lower_case(request.header("Content-Type").value_or(""));
    type.resize(std::min(type.size(), type.find(';')));
    while (type.ends_with(' ')) {
        type.pop_back();
    }
    return type;
}

config::Value parse(const http::Request& request, const std::string& body) {
    if (body.empty()) {
        return {};
    }
    const std::string type = media_type(request);
    if (type == "application/json" || type.ends_with("+json")) {
        const Json json = Json::parse(body, nullptr, false);
        if (json.is_discarded()) {
            throw http::HttpError(400, ApiError::bad_parameter, "the body is no JSON");
        }
        return value_of(json);
    }
    if (type == "application/x-www-form-urlencoded") {
        config::Value made = config::Value::object();
        for (const auto& [field, value] : object_of(http::query_parameters(body))) {
            made.add(field, value);
        }
        return made;
    }
    return checked_text(body, "the body");
}

// Slack asks whether an address is the app's before it sends events there.
std::optional<std::string> challenge_of(Scheme scheme, const config::Value& body) {
    const config::Value* const type = body.find("type");
    const config::Value* const challenge = body.find("challenge");
    if (scheme != Scheme::slack || type == nullptr || challenge == nullptr ||
        type->text() != "url_verification" || !challenge->text()) {
        return std::nullopt;
    }
    return std::string(*challenge->text());
}

Task<> send_event(Ref<Event> event) {
    co_await send(std::move(event));
}

}  // namespace

Hook::Hook(std::string name, HookSettings settings, std::vector<std::string> secrets,
           std::shared_ptr<Condition> ended)
    : name_(std::move(name)),
      settings_(std::move(settings)),
      ended_(std::move(ended)),
      secrets_(std::move(secrets)) {}

Task<> Hook::receive(std::shared_ptr<Hook> hook, http::Exchange& exchange) {
    if (!hook->is_open_) {
        throw http::HttpError(503, "busy", "the hook is about to be closed")
            .with("Retry-After", "10");
    }
    struct Ended {  // after it no longer counts
        Condition& condition;
        ~Ended() { condition.notify(); }
    };
    const Ended ended{*hook->ended_};
    const http::Counted counted(hook->running_);
    const HookSettings& settings = hook->settings_;
    exchange.set_body_limit(settings.max_body.bytes);
    const std::string body = co_await exchange.read_all();
    hook->check(exchange, body);
    config::Value value = parse(exchange.request(), body);
    http::Response response{.status = 204};
    if (const auto challenge = challenge_of(settings.signature, value)) {
        response.status = 200;
        response.body = *challenge;
        response.headers.set("Content-Type", "text/plain");
        co_await exchange.respond(std::move(response));
        co_return;
    }
    Task<> sending = send_event(hook->make_event(exchange, std::move(value)));
    const bool sent =
        co_await execute_with_timeout(Duration(settings.patience), std::move(sending));
    if (!sent) {
        throw http::HttpError(503, "busy", "the server has no room for the event")
            .with("Retry-After", "10");
    }
    ++hook->counts_.received;
    co_await exchange.respond(std::move(response));
}

void Hook::check(const http::Exchange& exchange, const std::string& body) {
    const std::int64_t now = wall_clock(exchange.scheduler().poller()) / 1'000'000;
    const std::string wrong = wrong_signature(settings_.signature, secrets_, exchange.request(),
                                              body, now, settings_.tolerance.count());
    if (!wrong.empty()) {
        ++counts_.refused;
        counts_.last_refusal = wrong;
        throw http::HttpError(403, "bad_signature", wrong);
    }
}

Ref<Event> Hook::make_event(const http::Exchange& exchange, config::Value body) const {
    const http::Request& request = exchange.request();
    std::map<std::string, std::string> headers;
    for (const std::string& wanted : settings_.headers) {
        headers[in_lower_case(wanted)] =
            checked_text(request.header(wanted).value_or(""), "a header");
    }
    return weir::make_event<Received>(name_, std::move(headers),
                                      object_of(http::query_parameters(request.query)),
                                      std::move(body));
}

}  // namespace weir::webhook
