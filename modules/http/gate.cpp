#include "modules/http/gate.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "config/text/quoted.h"
#include "core/base/base64.h"
#include "core/net/address.h"
#include "modules/http/http_error.h"
#include "modules/http/target.h"
#include "modules/system/rights/access.h"

namespace weir::http {

namespace {

constexpr std::string_view challenge = R"(Basic realm="weir", charset="UTF-8")";

std::optional<std::pair<std::string, std::string>> split(std::string_view text, char mark) {
    const std::size_t at = text.find(mark);
    if (at == std::string_view::npos) {
        return {};
    }
    return std::pair(std::string(text.substr(0, at)), std::string(text.substr(at + 1)));
}

// Returns user and password.
std::optional<std::pair<std::string, std::string>> credentials(std::string_view authorization) {
    const std::size_t space = std::min(authorization.find(' '), authorization.size());
    const std::string_view scheme = authorization.substr(0, space);
    std::string_view rest = authorization.substr(space);
    while (rest.starts_with(' ')) {
        rest.remove_prefix(1);
    }
    if (same_name(scheme, "Bearer")) {
        return split(rest, '.');
    }
    if (!same_name(scheme, "Basic")) {
        return {};
    }
    while (rest.ends_with('=')) {  // which some clients leave out
        rest.remove_suffix(1);
    }
    const std::optional<std::string> decoded = from_base64(rest, Base64Padding::without);
    return decoded ? split(*decoded, ':') : std::nullopt;
}

// Whether a browser says that a page of another site, or of another host of the same site, has made
// it send the request.
bool comes_from_other_site(const Request& request) {
    const std::optional<std::string_view> site = request.header("Sec-Fetch-Site");
    return site && *site != "same-origin" && *site != "none";
}

}  // namespace

Gate::Gate(Access& access, GateSettings settings)
    : access_(access), settings_(std::move(settings)), headers_(settings_.headers) {}

bool Gate::knows_host(std::string_view host, const std::vector<std::string>& names) {
    const std::optional<std::string> name = host_name(host);
    return name && (SocketAddress::of_number(*name, 0).has_value() ||
                    std::ranges::any_of(names, [&name](const std::string& known) {
                        return known == "*" || same_name(known, *name);
                    }));
}

bool Gate::is_own_origin(const Exchange& exchange, std::string_view origin) const {
    const std::size_t scheme = origin.find("://");
    // A proxy in front may speak TLS where this server does not, but not the other way round.
    return scheme != std::string_view::npos &&
           same_name(origin.substr(scheme + 3), exchange.request().host) &&
           (!exchange.client().tls || origin.starts_with("https:"));
}

bool Gate::allows_origin(std::string_view origin) const {
    return std::ranges::any_of(settings_.origins, [origin](const std::string& allowed) {
        return allowed == "*" || same_name(allowed, origin);
    });
}

// Returns whether a page of another site, which may do so, will read the response.
bool Gate::is_for_other_page(Exchange& exchange) const {
    const Request& request = exchange.request();
    const std::optional<std::string_view> origin = request.header("Origin");
    const bool changes = !request.is_safe() || request.asks_for_web_socket();
    if (!origin && changes && comes_from_other_site(request) && !allows_origin("")) {
        throw HttpError(403, "foreign_origin",
                        "a page of another site must not change anything here");
    }
    if (!origin || is_own_origin(exchange, *origin)) {
        return false;
    }
    if (!allows_origin(*origin)) {
        if (changes) {
            throw HttpError(
                403, "foreign_origin",
                "a page of '" + config::printable(*origin) + "' must not change anything here");
        }
        return false;
    }
    exchange.add_header("Access-Control-Allow-Origin", std::string(*origin));
    exchange.add_header("Access-Control-Expose-Headers", "ETag, Location");
    exchange.add_header("Vary", "Origin");
    return true;
}

Task<> Gate::handle(Exchange& exchange, const Handler& next) const {
    const Request& request = exchange.request();
    exchange.set_common_headers(headers_);
    // On a server without users, 401 would only make browsers ask for a password.
    exchange.set_challenge(access_.has_users() ? challenge : std::string_view());
    const Client& client = exchange.client();
    if (!request.host.empty() && request.host != client.known_host) {
        if (!knows_host(request.host, client.hosts)) {
            throw HttpError(421, "unknown_host",
                            "the server is not called '" + config::printable(request.host) +
                                "'; its names are a setting, hosts");
        }
        client.known_host = request.host;
    }
    if (is_for_other_page(exchange) && request.method == "OPTIONS" &&
        request.header("Access-Control-Request-Method")) {
        return allow_other_page(exchange);
    }
    if (const auto authorization = request.header("Authorization")) {
        return log_in_and_handle(exchange, *authorization, next);
    }
    return next(exchange);
}

// Answers the question of a browser, whether a page may send a request.
Task<> Gate::allow_other_page(Exchange& exchange) {
    exchange.add_header("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
    exchange.add_header("Access-Control-Allow-Headers",
                        "Authorization, Content-Type, Last-Event-ID, traceparent, tracestate");
    exchange.add_header("Access-Control-Max-Age", "600");
    Response response{.status = 204};
    return exchange.respond(std::move(response));
}

Task<> Gate::log_in_and_handle(Exchange& exchange, std::string_view authorization,
                               const Handler& next) const {
    co_await log_in(exchange, authorization);
    co_await next(exchange);
}

Task<> Gate::log_in(Exchange& exchange, std::string_view authorization) const {
    auto given = credentials(authorization);
    if (!given) {
        throw HttpError(401, Access::wrong_login,
                        "Authorization is neither Basic nor Bearer USER.PASSWORD")
            .with("WWW-Authenticate", std::string(challenge));
    }
    Login login{.user = std::move(given->first),
                .password = std::move(given->second),
                .source = exchange.client().login_source};
    const ApiResult<Ref<Caller>> caller = co_await access_.log_in(std::move(login));
    if (!caller) {
        HttpError error(caller.error());
        if (error.status() == 429) {
            throw std::move(error).with("Retry-After", "5");
        }
        throw std::move(error).with("WWW-Authenticate", std::string(challenge));
    }
    exchange.set_caller(caller.value());
}

}  // namespace weir::http
