// The plugin `http`: everything that a server can do, for clients that speak HTTP.

#include "modules/system/module/module.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "core/net/descriptor_limit.h"
#include "core/net/peer_user.h"
#include "core/net/stream_server.h"
#include "core/stream/signal_wait.h"
#include "modules/http/connection.h"
#include "modules/http/gate.h"
#include "modules/http/http_error.h"
#include "modules/http/http_host.h"
#include "modules/http/page/page.h"
#include "modules/http/plugin/check_app.h"
#include "modules/http/plugin/gateway.h"
#include "modules/http/plugin/route_limit.h"
#include "modules/http/plugin/route_references.h"
#include "modules/http/plugin/settings.h"
#include "modules/http/proxy.h"
#include "modules/http/router.h"
#include "modules/http/static_files.h"
#include "modules/http/web_socket.h"
#include "modules/system/module/plugin.h"
#include "modules/system/net/from_address.h"
#include "modules/system/rights/access.h"
#include "modules/system/rights/login_source.h"
#include "modules/system/server/server.h"

namespace weir::http {
namespace {

// File descriptors for all that is no client: listeners, the log, files of modules, libraries.
constexpr std::size_t other_descriptors = 64;

// What one version of the plugin hands to the next: the listeners with their clients, which go on
// when their running request is answered.
struct HttpState {
    static constexpr std::string_view name = "http";
    static constexpr std::uint32_t version = 1;

    std::vector<std::string> sockets;  // what of the settings they depend on
    std::vector<std::unique_ptr<StreamServer>> listeners;
};

class HttpModule final : public ModuleOf<HttpSettings>, public HttpHost {
public:
    explicit HttpModule(const ModuleContext& context)
        : ModuleOf(context),
          gate_(access(), gate_settings()),
          gateway_(*this),
          page_(*this),
          served_(scheduler()) {
        traffic_.spans = server().spans();
        use_settings();
    }
    ~HttpModule() override { close(); }

    static auto declare() {
        return declare_module<HttpModule>("http", "Serves clients that speak HTTP")
            .depends_on("lock")
            .optional()
            .depends_on("otlp")
            .optional()
            .depends_on("limit")
            .optional()
            .checks(&check_app)
            .shows_flows(&flows_of_routes)
            .hands_over<HttpState>(&HttpModule::hand_over, &HttpModule::take_over,
                                   CallsUnderWay::go_on)
            .function("addresses", "The addresses where it listens, with the real ports",
                      &HttpModule::addresses)
            .function("clients", "Lists the connected clients, one line each",
                      &HttpModule::client_lines)
            .counter("requests", "Requests that were answered, by the class of the status",
                     &HttpModule::requests)
            .counter("received_bytes", "Bytes of requests", &HttpModule::received)
            .counter("sent_bytes", "Bytes of responses", &HttpModule::sent)
            .counter("proxied", "Requests that went to a server behind, by their result",
                     &HttpModule::proxied)
            .gauge("clients", "Clients that are connected", &HttpModule::connected)
            .gauge("web_sockets", "WebSockets that are open", &HttpModule::web_sockets)
            .histogram("request", "Time from the head of a request until its response begins",
                       &HttpModule::request_time)
            .reads({"addresses", "clients"});
    }

    Task<> load() override {
        check_roles(*this, doors_);
        add_routes();
        raise_descriptor_limit(settings().max_clients + other_descriptors);
        for (const ListenSettings& listener : doors_) {
            tls_.push_back(
                listener.tls_context({.protocols = {"http/1.1"}, .require_close_notify = false}));
        }
        if (replaces()) {
            co_return;  // the sockets are there
        }
        for (std::size_t i = 0; i != doors_.size(); ++i) {
            co_await listen(doors_[i], i);
        }
    }

    // Running requests are answered, idle clients closed.
    Task<> unload() override {
        stop();
        for (const auto& listener : listeners_) {
            listener->shutdown();
        }
        for (const auto& listener : listeners_) {
            co_await listener->ended();
        }
        while (connections_ != 0) {
            co_await SignalWait(served_, SocketEvent::Type::changed);
        }
        co_await gateway_.locks().closed();
    }

    // Clients whose connection was to end connect again.
    void unload_refused() override {
        gateway_.go_on();
        for (const auto& listener : listeners_) {
            listener->start_listening();
        }
    }

    // A new version has the listeners. Streams of events and WebSockets end, for their clients
    // continue them there.
    void retire() override { stop(); }

    // Of a version that has been replaced: the clients whose request is not answered yet.
    std::vector<std::string> in_use() const override {
        if (!handed_over_ || connections_ == 0) {
            return {};
        }
        return {std::to_string(connections_) + " connections with a request that it answers"};
    }

    using ModuleOf::settings_changed;
    void settings_changed(const HttpSettings&) override {
        use_settings();
        for (const auto& listener : listeners_) {
            listener->set_max_connections(settings().max_clients);
        }
    }

    void read_files_again() override {
        for (std::size_t i = 0; i != tls_.size(); ++i) {
            if (tls_[i] != nullptr) {
                read_certificates_again(*tls_[i], listeners_[i]->address().text(), log());
            }
        }
    }

    Router& router() noexcept override { return router_; }

    std::vector<std::string> addresses() const {
        std::vector<std::string> result;
        for (const auto& listener : listeners_) {
            std::ranges::move(listener->urls(), std::back_inserter(result));
        }
        return result;
    }

    std::vector<std::string> client_lines() const {
        std::vector<std::string> result;
        for (const auto& listener : listeners_) {
            for (const StreamClient& client : listener->clients()) {
                result.push_back(client->peer() + " received " +
                                 std::to_string(client->received()) + " bytes, sent " +
                                 std::to_string(client->sent()));
            }
        }
        return result;
    }

private:
    void stop() {
        gateway_.stop();
        for (WebSocket& socket : traffic_.web_sockets) {
            socket.end(close_code::going_away, "the server ends");
        }
    }

    // --- metrics

    void requests(MetricFamily& values) const {
        for (std::size_t i = 0; i != traffic_.responses.size(); ++i) {
            values.add(traffic_.responses[i], {{"status", std::to_string(i + 1) + "xx"}});
        }
    }
    void proxied(MetricFamily& values) const {
        for (const auto& [route, proxy] : proxies_) {
            values.add(proxy->passed(), {{"path", route}, {"result", "passed"}});
            values.add(proxy->failed(), {{"path", route}, {"result", "failed"}});
            values.add(proxy->cached(), {{"path", route}, {"result", "cached"}});
        }
    }
    std::uint64_t received() const noexcept { return traffic_.received; }
    std::uint64_t sent() const noexcept { return traffic_.sent; }
    // Of all versions of the module.
    std::size_t connected() const noexcept {
        std::size_t all = 0;
        for (const auto& listener : listeners_) {
            all += listener->open();
        }
        return all;
    }
    std::size_t web_sockets() const noexcept {
        std::size_t count = 0;
        for (auto it = traffic_.web_sockets.begin(); it != traffic_.web_sockets.end(); ++it) {
            ++count;
        }
        return count;
    }
    const Histogram& request_time() const noexcept { return traffic_.time; }

    // --- settings

    GateSettings gate_settings() const {
        GateSettings made{.origins = settings().origins, .headers = {}};
        // No response is taken for another type than it says, or shown in another site's frame.
        made.headers.set("X-Content-Type-Options", "nosniff");
        made.headers.set("X-Frame-Options", "DENY");
        for (const auto& [name, value] : settings().headers) {
            made.headers.set(name, value);
        }
        return made;
    }

    void use_settings() {
        limits_ = settings().limits();
        doors_ = settings().listeners();
        hosts_ = settings().hosts;
        for (const RouteSettings& route : settings().routes) {
            hosts_.insert(hosts_.end(), route.hosts.begin(), route.hosts.end());
        }
        gateway_.calls().set_timeout(settings().call_timeout == Duration()
                                         ? std::nullopt
                                         : std::optional<Duration>(settings().call_timeout));
        gateway_.events().set_keepalive(settings().event_keepalive);
        gateway_.set_web_sockets(settings().web_sockets());
    }

    // --- routes

    void add_routes() {
        if (settings().gateway) {
            gateway_.add_routes(router_);
            gateway_.set_configured(settings().routes);
        }
        for (const RouteSettings& route : settings().routes) {
            const Handler handler = handler_of(route);
            for (const std::string& host : route.hosts_or_all()) {
                for (const std::string& method : route.methods()) {
                    routes_.push_back(router_.add(method, route.path, handler, host));
                }
            }
        }
        if (settings().page) {
            if (const std::string wrong = settings().wrong_page(); !wrong.empty()) {
                throw std::runtime_error("module." + name() + ".page: " + wrong);
            }
            const bool has_root = std::ranges::find(settings().routes, "/", &RouteSettings::path) !=
                                  settings().routes.end();
            page_.add_routes(router_, !has_root);
        }
    }

    Handler handler_of(const RouteSettings& route) {
        const RouteLimit* const limit =
            !route.limit
                ? nullptr
                : route_limits_.emplace_back(std::make_unique<RouteLimit>(*this, *route.limit))
                      .get();
        if (route.proxy) {
            return for_clients_with_roles(proxy_handler(route, limit));
        }
        Handler handler = unlimited_handler_of(route);
        if (limit != nullptr) {
            handler = [limit, limited = std::move(handler)](Exchange& exchange) {
                return serve_limited(*limit, limited, exchange);
            };
        }
        return route.folder ? for_clients_with_roles(std::move(handler)) : handler;
    }

    // Files and servers behind have no rights of their own, by which strangers are refused: an
    // address is closed to these if they have no role there.
    static Handler for_clients_with_roles(Handler handler) {
        return [handler = std::move(handler)](Exchange& exchange) {
            if (!exchange.caller()->has_roles()) {
                throw HttpError(403, ApiError::denied, "a client without a role has no access");
            }
            return handler(exchange);
        };
    }

    static Task<> serve_limited(const RouteLimit& limit, const Handler& handler,
                                Exchange& exchange) {
        const std::unique_ptr<limit::Ticket> ticket = co_await limit.admit(exchange);
        co_await handler(exchange);
    }

    // A ticket that a request to a server behind holds.
    struct AdmittedByLimit final : Admission {
        explicit AdmittedByLimit(std::unique_ptr<limit::Ticket> of_limit)
            : ticket(std::move(of_limit)) {}
        const std::unique_ptr<limit::Ticket> ticket;
    };

    static Task<std::unique_ptr<Admission>> admit(const RouteLimit& limit, Exchange& exchange) {
        co_return std::make_unique<AdmittedByLimit>(co_await limit.admit(exchange));
    }

    // A cached answer needs no ticket: the limit protects the server behind.
    Handler proxy_handler(const RouteSettings& route, const RouteLimit* limit) {
        ProxyOptions options;
        options.timeout = route.timeout;
        options.any_path = route.any_path;
        options.max_connections = settings().max_clients;
        if (route.cache) {
            options.cache =
                CacheOptions{route.cache->time, route.cache->max_size.bytes, route.cache->headers};
        }
        if (limit != nullptr) {
            options.admit = [limit](Exchange& exchange) { return admit(*limit, exchange); };
        }
        options.report = [this, address = *route.proxy](const std::string& failure) {
            if (failure.empty()) {
                log().info("the server behind at " + address + " answers again");
            } else {
                log().warning("the server behind at " + address + " fails: " + failure);
            }
        };
        Proxy& proxy = *proxies_
                            .emplace_back(route.path, std::make_unique<Proxy>(
                                                          scheduler(), *route.proxy, options))
                            .second;
        return [&proxy](Exchange& exchange) { return proxy.handle(exchange); };
    }

    Handler unlimited_handler_of(const RouteSettings& route) {
        if (route.call) {
            const std::size_t dot = route.call->find('.');
            return [this, target = route.call->substr(0, dot),
                    function = route.call->substr(dot + 1), with = route.with](Exchange& exchange) {
                return gateway_.calls().handle(exchange, target, function, exchange.parameters(),
                                               with);
            };
        }
        if (route.folder) {
            std::error_code error;
            if (!std::filesystem::is_directory(*route.folder, error)) {
                log().warning(
                    "routes: {}: there is no folder {}, seen from {}: requests fail until it is "
                    "there",
                    route.path, *route.folder, std::filesystem::current_path(error).string());
            }
            StaticFiles& files = *folders_.emplace_back(
                std::make_unique<StaticFiles>(scheduler(), *route.folder, route.index));
            return [&files](Exchange& exchange) { return files.handle(exchange); };
        }
        Response response{.status = route.status};
        response.headers.set("Location", *route.redirect);
        return [response](Exchange& exchange) { return exchange.respond(response); };
    }

    // --- listeners

    // What the sockets depend on.
    std::vector<std::string> sockets() const {
        std::vector<std::string> texts;
        for (const ListenSettings& listener : doors_) {
            texts.push_back(listener.socket());
        }
        return texts;
    }

    HttpState hand_over() {
        handed_over_ = true;
        return {sockets(), std::move(listeners_)};
    }

    void take_over(HttpState& state) {
        if (state.sockets != sockets()) {
            throw std::runtime_error(
                "where it listens has changed (listen); that takes effect when the module is "
                "unloaded and loaded again");
        }
        listeners_ = std::move(state.listeners);
        handed_over_ = false;  // if they come back
        for (std::size_t i = 0; i != listeners_.size(); ++i) {
            listeners_[i]->set_tls(tls_[i]);
            listeners_[i]->hand_to(handler_for(i));
            listeners_[i]->set_max_connections(settings().max_clients);
        }
    }

    Task<> listen(ListenSettings listener, std::size_t index) {
        SocketServerOptions options;
        options.listen = listener.options();
        options.tls = tls_[index];
        options.max_connections = settings().max_clients;
        options.retry_listen = {};
        options.shutdown_timeout = settings().shutdown_timeout;
        StreamServer& server = *listeners_.emplace_back(std::make_unique<StreamServer>(
            scheduler(), listener.address, handler_for(index), options));
        // Without routes, all that it serves is what other modules do: where these fail to start,
        // it keeps no server running.
        server.start({.name = "http listener", .daemon = settings().routes.empty()});
        if (!co_await server.listening()) {
            throw std::runtime_error("cannot listen at " + listener.address + ": " +
                                     server.error());
        }
        log_listening(*this, listener, server);
    }

    // --- clients

    StreamHandler handler_for(std::size_t listener) {
        return [this, listener](StreamClient& client) { return serve(client, listener); };
    }

    Client describe(const StreamClient& stream, std::size_t listener) const {
        const ListenSettings& door = doors_.at(listener);
        const SocketAddress remote = SocketAddress::remote(stream->descriptor());
        const std::optional<uid_t> user = peer_user_of(stream->descriptor(), remote.family());
        // Not at a loopback port, as for resp: a browser there runs as its user, and carries out
        // what pages of strangers ask for.
        const bool is_owner = !door.owner.empty() && user && (*user == 0 || *user == ::geteuid());
        Client client;
        client.address = stream->peer();
        client.login_source = login_source(remote, user);
        client.tls = stream->tls() != nullptr;
        // No page can make a browser open a Unix socket.
        client.hosts = remote.family() == AF_UNIX ? std::vector<std::string>{"*"} : hosts_;
        client.anonymous = Ref<Caller>(new Caller(
            access().rules(), "", is_owner ? door.owner : *door.anonymous, client.login_source));
        return client;
    }

    // Counts a connection while it lives.
    class Serving {
    public:
        explicit Serving(HttpModule& module) noexcept : module_(module) { ++module_.connections_; }
        Serving(const Serving&) = delete;
        Serving& operator=(const Serving&) = delete;
        ~Serving() {
            if (--module_.connections_ == 0) {
                module_.served_.signal(SocketEvent::Type::changed);
            }
        }

    private:
        HttpModule& module_;
    };

    Task<> serve(StreamClient& stream, std::size_t listener) {
        const Serving serving(*this);
        const Client client = describe(stream, listener);
        const FromAddress from(from_address_, client.login_source);
        // A request that has come in part when another version takes the module's place is left to
        // that: it is routed there.
        const auto more = [&stream](std::size_t there, Time deadline) {
            return stream.more(there, deadline);
        };
        Connection connection(stream.stream(), limits_, client, handler_, traffic_, more);
        const bool is_unix = client.address.starts_with("unix:");
        if (!is_unix && from.count() > settings().max_clients_per_address) {
            Response refused =
                HttpError(429, "too_many_connections", "too many connections from this address")
                    .response();
            co_await connection.refuse(std::move(refused));
            co_return;
        }
        const std::function<bool()> last = [&stream] {
            return stream.server().state() == Acceptor::State::closing;
        };
        for (bool goes_on = co_await next(stream); goes_on;) {
            goes_on = co_await connection.serve_request(last);
            if (goes_on) {
                goes_on = co_await next(stream);
            }
        }
    }

    // Returns whether there is a request. A client that sends none is closed without a word.
    Task<bool> next(StreamClient& stream) const {
        const Duration time =
            stream->received() == 0 ? settings().first_byte_timeout : settings().idle_timeout;
        bool is_there = false;
        try {
            is_there = co_await stream.next(scheduler().now() + time);
        } catch (const StreamError& error) {
            if (error.code() != UV_ETIMEDOUT) {
                throw;
            }
        }
        co_return is_there;
    }

    HttpLimits limits_;
    std::vector<ListenSettings> doors_;  // where it listens
    Router router_;
    std::vector<std::string> hosts_;  // names of the server
    Gate gate_;
    Gateway gateway_;
    Page page_;
    std::vector<std::unique_ptr<StaticFiles>> folders_;
    std::vector<std::unique_ptr<RouteLimit>> route_limits_;
    std::vector<std::pair<std::string, std::unique_ptr<Proxy>>> proxies_;  // by path
    std::vector<std::unique_ptr<Route>> routes_;
    const Handler route_ = [this](Exchange& exchange) { return router_.handle(exchange); };
    const Handler handler_ = [this](Exchange& exchange) { return gate_.handle(exchange, route_); };
    FromAddress::Counts from_address_;
    std::size_t connections_ = 0;
    Source served_;  // changed: there is no connection any more
    Traffic traffic_;
    bool handed_over_ = false;
    std::vector<std::unique_ptr<StreamServer>> listeners_;
    std::vector<std::shared_ptr<TlsContext>> tls_;  // of the listeners; null: no TLS
};

}  // namespace
}  // namespace weir::http

WEIR_PLUGIN(http, weir::http::HttpModule)
