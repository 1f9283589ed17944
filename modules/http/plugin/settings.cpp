#include "modules/http/plugin/settings.h"

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "config/text/quoted.h"
#include "modules/http/plugin/route_limit.h"
#include "modules/http/proxy.h"
#include "modules/http/router.h"
#include "modules/limit/limit.h"

namespace weir::http {

namespace {

// Collects what is wrong, so that the user mends it in one go.
class Mistakes {
public:
    void add(const std::string& what) { text_ += (text_.empty() ? "" : "; ") + what; }
    const std::string& text() const noexcept { return text_; }

private:
    std::string text_;
};

bool is_no_name(const std::string& host) {
    return host.empty() || host.find_first_of(":/*@ []") != std::string::npos;
}

// Adds the routes whose requests an earlier one answers. Requires that nothing else is wrong.
void add_doubled(const std::vector<RouteSettings>& routes, Mistakes& mistakes) {
    Router router;
    std::vector<std::unique_ptr<Route>> added;
    for (const RouteSettings& route : routes) {
        try {
            for (const std::string& host : route.hosts_or_all()) {
                for (const std::string& method : route.methods()) {
                    added.push_back(router.add(method, route.path, {}, host));
                }
            }
        } catch (const std::invalid_argument& error) {
            mistakes.add(error.what());
        }
    }
}

std::string wrong_routes(const std::vector<RouteSettings>& routes) {
    Mistakes mistakes;
    for (const RouteSettings& route : routes) {
        const std::string where = "the route '" + config::printable(route.path) + "' ";
        const int kinds = int(route.call.has_value()) + int(route.folder.has_value()) +
                          int(route.redirect.has_value()) + int(route.proxy.has_value());
        if (const std::string wrong = Router::wrong_pattern(route.path); !wrong.empty()) {
            mistakes.add(where + wrong);
        } else if (kinds != 1) {
            mistakes.add(where + "needs one of call, folder, redirect and proxy");
        } else if (std::ranges::any_of(route.hosts, is_no_name)) {
            mistakes.add(where + "has a host that is no name: expected it without port");
        } else if (route.call && route.call->find('.') == std::string::npos) {
            mistakes.add(where + "calls '" + config::printable(*route.call) +
                         "', expected MODULE.FUNCTION");
        } else if (route.folder && !route.path.ends_with("/*")) {
            mistakes.add(where + "has a folder, and does not end in '/*'");
        } else if (!route.call && !route.proxy && !route.method.empty() && route.method != "GET") {
            mistakes.add(where + "has a method other than GET, but is no call and no proxy");
        } else if (!route.with.empty() && !route.call) {
            mistakes.add(where + "has parameters (with), but is no call");
        } else if (route.any_path && !route.proxy) {
            mistakes.add(where + "has any_path, but is no proxy");
        } else if (route.cache && !route.proxy) {
            mistakes.add(where + "has a cache, but is no proxy");
        } else if (route.cache && !std::ranges::all_of(route.cache->headers, is_token)) {
            mistakes.add(where + "has a cache with a header whose name is no name of a header");
        }
    }
    if (mistakes.text().empty()) {
        add_doubled(routes, mistakes);
    }
    return mistakes.text();
}

std::string wrong_proxy(const std::string& address) {
    return Proxy::wrong_address(address);
}

std::string wrong_key(const std::string& key) {
    return RouteLimit::wrong_key(key);
}

std::string wrong_headers(const std::map<std::string, std::string>& headers) {
    try {
        Headers all;
        for (const auto& [name, value] : headers) {
            all.set(name, value);
        }
        // They say where a response ends: a second one would let another response be smuggled in.
        for (const char* name : {"Content-Length", "Transfer-Encoding", "Connection"}) {
            if (all.find(name) != nullptr) {
                return std::string("has ") + name + ", which the server sets itself";
            }
        }
    } catch (const std::invalid_argument& error) {
        return std::string("is wrong: ") + error.what();
    }
    return "";
}

}  // namespace

std::vector<ListenSettings> HttpSettings::listeners() const {
    return listeners_of(listen, {"guest"});
}

HttpLimits HttpSettings::limits() const {
    return {.target = max_target.bytes,
            .head = max_head.bytes,
            .headers = max_headers,
            .compressed_from = compress_from.bytes,
            .body = max_body.bytes,
            .head_time = head_timeout,
            .body_time = body_timeout,
            .whole_body_time = whole_body_timeout,
            .write_time = write_timeout};
}

std::string HttpSettings::wrong_page() const {
    return page && !gateway ? "needs the gateway, which is switched off" : "";
}

WebSocketOptions HttpSettings::web_sockets() const {
    return {.max_message = max_message.bytes, .ping_interval = ping_interval};
}

std::vector<std::string> RouteSettings::hosts_or_all() const {
    return hosts.empty() ? std::vector<std::string>{""} : hosts;
}

std::vector<std::string> RouteSettings::methods() const {
    if (!method.empty()) {
        return {method};
    }
    if (proxy) {
        return {"GET", "POST", "PUT", "PATCH", "DELETE"};
    }
    return {call ? "POST" : "GET"};
}

config::Settings<RouteLimitSettings> RouteLimitSettings::describe() {
    using namespace config;
    using S = RouteLimitSettings;
    return settings<S>(
        "Of which limit each request needs a ticket, as long as it is served",
        setting("name", &S::name, "Name of the limit, which the module `limit` has").required(),
        setting("key", &S::key,
                "By what requests are told apart: {user}, the user, or without one its address; "
                "{address}; {header.NAME}; {NAME} of the path")
            .check(wrong_key),
        setting("priority", &S::priority, "Requests with a higher one go first")
            .range(0, limit::Limit::priorities - 1));
}

config::Settings<RouteCacheSettings> RouteCacheSettings::describe() {
    using namespace config;
    using S = RouteCacheSettings;
    return settings<S>(
        "Keeps answers to GET that are the same for all clients",
        setting("time", &S::time,
                "How long, unless the server says it (Cache-Control); 0: only what says it")
            .at_most(std::chrono::hours(24 * 365)),
        setting("max_size", &S::max_size, "Size of all that are kept; the longest is an eighth")
            .range(kibibytes(1), mebibytes(16 * 1024)),
        setting("headers", &S::headers,
                "Headers of requests by which the server tells clients apart: each value has its "
                "own answers"));
}

config::Settings<RouteSettings> RouteSettings::describe() {
    using namespace config;
    using S = RouteSettings;
    return settings<S>(
        "What answers at a path: one of call, folder, redirect and proxy",
        setting("path", &S::path,
                "Which paths: {name} stands for any part, and names a parameter of the call; `*` "
                "at the end for all below")
            .not_empty()
            .required(),
        setting("method", &S::method,
                "Which method; \"\": POST for calls, all for a proxy, GET "
                "otherwise")
            .one_of({"", "GET", "POST", "PUT", "PATCH", "DELETE"}),
        setting("hosts", &S::hosts,
                "Names of the server for which the route is, beside `hosts` of the module; they go "
                "before routes without hosts"),
        setting("call", &S::call,
                "Function that is called, MODULE.FUNCTION, by the rights of the client"),
        setting("with", &S::with, "Calls: parameters that clients cannot choose"),
        setting("folder", &S::folder, "Folder whose files are served").not_empty(),
        setting("index", &S::index, "Folders: file that stands for its folder; \"\": none"),
        setting("redirect", &S::redirect, "Address to which clients are sent").not_empty(),
        setting("status", &S::status, "Redirects: the status").one_of({301, 302, 303, 307, 308}),
        setting("proxy", &S::proxy,
                "Another server that answers: http://host:port/path or https; what the `*` stands "
                "for is appended")
            .check(wrong_proxy),
        setting("timeout", &S::timeout,
                "Proxies: how long the other server may take until it answers, and pause within "
                "its answer")
            .range(std::chrono::milliseconds(1), std::chrono::hours(24)),
        setting("any_path", &S::any_path,
                "Proxies: let also paths pass that servers read in different ways, with an empty "
                "part or a part with `;`"),
        setting("cache", &S::cache, "Proxies: keeps answers; null: none"),
        setting("limit", &S::limit, "Limits requests; null: the route does not"));
}

config::Settings<HttpSettings> HttpSettings::describe() {
    using namespace config;
    using S = HttpSettings;
    using std::chrono::milliseconds;
    return settings<S>(
        "Serves clients that speak HTTP",
        setting("listen", &S::listen,
                "Where to listen: tcp://host:port, tls://host:port, unix:/path, or systemd:name "
                "for sockets of the supervisor; a host's name is all its IPv4 and IPv6 "
                "addresses, and tcp://:port every address of the machine")
            .check(wrong_listeners)
            .fixed(),
        setting("routes", &S::routes, "What answers at which path").check(wrong_routes).fixed(),
        setting("gateway", &S::gateway,
                "Serve /call, /events, /locks, /openapi.json, /health, /ready and /metrics: all "
                "functions "
                "and events of the server, by the rights of each client")
            .fixed(),
        setting("page", &S::page,
                "Serve a page at /ui/ on which a person sees and manages the server, by the "
                "rights of the user; it needs the gateway")
            .fixed(),
        setting("hosts", &S::hosts,
                "Names by which clients may call the server, beside IP addresses; a request with "
                "another Host is refused, against pages that let their name point to this "
                "machine. \"*\": any; at Unix sockets any in any case"),
        setting("origins", &S::origins,
                "Other sites whose pages may send requests and read the responses (CORS), as "
                "https://shop.example; \"*\": all")
            .fixed(),
        setting("headers", &S::headers,
                "Headers of each response, beside X-Content-Type-Options: nosniff and "
                "X-Frame-Options: DENY, which may be replaced")
            .check(wrong_headers)
            .fixed(),
        setting("max_clients", &S::max_clients,
                "Most connections at a time; more wait until one ends")
            .at_least(1)
            .unit("connections"),
        setting("max_clients_per_address", &S::max_clients_per_address,
                "Most connections at a time from one address, or one /64 network of IPv6; a "
                "further one is answered 429 and closed. Not for Unix sockets")
            .at_least(1)
            .unit("connections"),
        setting("max_target", &S::max_target, "Size of the longest target, path and query")
            .range(ByteSize{64}, mebibytes(1)),
        setting("max_head", &S::max_head, "Size of all headers of one request together")
            .range(ByteSize{256}, mebibytes(1)),
        setting("max_headers", &S::max_headers, "Most headers of one request")
            .range(4, 10'000)
            .unit("headers"),
        setting("max_body", &S::max_body, "Size of the longest body of a request")
            .at_most(mebibytes(1024)),
        setting("compress_from", &S::compress_from,
                "Size of the shortest text that is compressed (gzip) for clients that take it; 0: "
                "none is"),
        setting("max_message", &S::max_message,
                "Size of the longest message from a WebSocket of the gateway")
            .at_most(mebibytes(1024)),
        setting("first_byte_timeout", &S::first_byte_timeout,
                "Closes a new connection on which no byte has come for so long")
            .at_least(milliseconds(1)),
        setting("head_timeout", &S::head_timeout,
                "How long the head of a request may take from its first byte")
            .at_least(milliseconds(1)),
        setting("body_timeout", &S::body_timeout,
                "How long a client may pause within the body of a request")
            .at_least(milliseconds(1)),
        setting("whole_body_timeout", &S::whole_body_timeout,
                "How long the body of a request may take from the time when it is wanted")
            .at_least(milliseconds(1)),
        setting("idle_timeout", &S::idle_timeout,
                "Closes a connection on which no further request has come for so long")
            .at_least(milliseconds(1)),
        setting("write_timeout", &S::write_timeout,
                "Closes a client that takes nothing of a response for so long")
            .at_least(milliseconds(1)),
        setting("call_timeout", &S::call_timeout, "How long a call may take; 0: without limit"),
        setting("event_keepalive", &S::event_keepalive,
                "How often a stream of events without events gets a comment, so that programs on "
                "the way keep it open")
            .at_least(milliseconds(100)),
        setting("ping_interval", &S::ping_interval,
                "WebSockets of the gateway: a client from which nothing has come for so long gets "
                "a ping, and is closed if nothing comes for as long again; 0: never"),
        setting("shutdown_timeout", &S::shutdown_timeout,
                "How long running requests may take to end when the module unloads; shorter than "
                "its unload_timeout")
            .at_least(milliseconds(1))
            .fixed());
}

}  // namespace weir::http
