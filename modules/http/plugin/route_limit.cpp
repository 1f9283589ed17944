#include "modules/http/plugin/route_limit.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "config/text/quoted.h"
#include "modules/http/http_error.h"
#include "modules/limit/limit_host.h"

namespace weir::http {

namespace {

constexpr std::string_view header_prefix = "header.";
constexpr std::size_t longest_key = 256;

}  // namespace

RouteLimit::RouteLimit(const Module& module, RouteLimitSettings settings)
    : module_(module), settings_(std::move(settings)), key_(parts_of(settings_.key)) {}

std::string RouteLimit::wrong_key(std::string_view key) {
    try {
        parts_of(key);
        return "";
    } catch (const std::invalid_argument& mistake) {
        return mistake.what();
    }
}

std::vector<std::string> RouteLimit::parameters(std::string_view key) {
    std::vector<std::string> names;
    if (!wrong_key(key).empty()) {
        return names;
    }
    for (const Part& part : parts_of(key)) {
        if (part.kind == Part::Kind::parameter) {
            names.push_back(part.text);
        }
    }
    return names;
}

std::vector<RouteLimit::Part> RouteLimit::parts_of(std::string_view key) {
    std::vector<Part> parts;
    while (!key.empty()) {
        const std::size_t begin = std::min(key.find('{'), key.size());
        if (begin != 0) {
            parts.push_back({Part::Kind::text, std::string(key.substr(0, begin))});
            key.remove_prefix(begin);
            continue;
        }
        const std::size_t end = key.find('}');
        if (end == std::string_view::npos) {
            throw std::invalid_argument("has a '{' without '}'");
        }
        const std::string_view name = key.substr(1, end - 1);
        key.remove_prefix(end + 1);
        if (name == "user") {
            parts.push_back({Part::Kind::user, {}});
        } else if (name == "address") {
            parts.push_back({Part::Kind::address, {}});
        } else if (name.starts_with(header_prefix)) {
            const std::string_view header = name.substr(header_prefix.size());
            if (!is_token(header)) {
                throw std::invalid_argument("names '" + config::printable(header) +
                                            "', which is no header");
            }
            parts.push_back({Part::Kind::header, std::string(header)});
        } else {
            parts.push_back({Part::Kind::parameter, std::string(name)});
        }
    }
    return parts;
}

// Clients choose headers and paths: a key is never longer than what a limit should remember.
std::string RouteLimit::key_of(const Exchange& exchange) const {
    std::string key;
    for (const Part& part : key_) {
        switch (part.kind) {
            case Part::Kind::text:
                key += part.text;
                break;
            case Part::Kind::user:
                key += exchange.caller()->user().empty() ? exchange.client().login_source
                                                         : exchange.caller()->user();
                break;
            case Part::Kind::address:
                key += exchange.client().login_source;
                break;
            case Part::Kind::header:
                key += exchange.request().header(part.text).value_or("");
                break;
            case Part::Kind::parameter:
                for (const auto& [name, value] : exchange.parameters()) {
                    key += name == part.text ? value : "";
                }
                break;
        }
    }
    if (key.size() > longest_key) {
        throw HttpError(400, "bad_request", "what the client is limited by is too long");
    }
    return key;
}

Task<std::unique_ptr<limit::Ticket>> RouteLimit::admit(Exchange& exchange) const {
    const Ref<limit::Limit> limit = limit::LimitHost::find(module_, settings_.name);
    if (limit == nullptr) {
        throw HttpError(503, "unknown_limit",
                        "there is no limit " + config::in_quotes(settings_.name) + " now");
    }
    try {
        Task<std::unique_ptr<limit::Ticket>> taking =
            limit::Limit::take(limit, key_of(exchange), 1, settings_.priority);
        co_return co_await exchange.while_connected(std::move(taking));
    } catch (const limit::LimitReached& refusal) {
        HttpError error(429, "limit_reached", refusal.what());
        if (const std::optional<Duration> time = refusal.retry_after()) {
            const auto seconds = std::chrono::ceil<std::chrono::seconds>(*time).count();
            throw std::move(error).with("Retry-After", std::to_string(seconds));
        }
        throw error;
    }
}

}  // namespace weir::http
