#include "modules/http/plugin/gateway.h"

#include <string>
#include <utility>

#include "config/document/value.h"
#include "modules/http/http_error.h"
#include "modules/http/plugin/call_socket.h"
#include "modules/http/plugin/json_body.h"
#include "modules/http/plugin/openapi.h"
#include "modules/system/module/module.h"
#include "modules/system/server/loader.h"
#include "modules/system/server/server.h"
#include "modules/system/server/server_metrics.h"

namespace weir::http {

Gateway::Gateway(Module& module)
    : module_(module),
      calls_(module.server().loader()),
      events_(module.scheduler(), module.events()),
      locks_(module.scheduler(), calls_) {}

void Gateway::add_routes(Router& router) {
    const auto add = [this, &router](const char* method, const char* path, Handler handler) {
        routes_.push_back(router.add(method, path, std::move(handler)));
    };
    const Handler call = [this](Exchange& exchange) {
        const Parameters& names = exchange.parameters();
        return calls_.handle(exchange, names[0].second, names[1].second, {});
    };
    add("GET", "/call/{module}/{function}", call);
    add("POST", "/call/{module}/{function}", call);
    add("GET", "/call", [this](Exchange& exchange) {
        return serve_web_socket(
            exchange, [this](WebSocket& socket) { return serve_calls(socket, calls_); },
            web_sockets_);
    });
    add("GET", "/events", [this](Exchange& exchange) { return events_.watch(exchange); });
    add("POST", "/events/{type}", [this](Exchange& exchange) { return events_.publish(exchange); });
    add("GET", "/locks", [this](Exchange& exchange) { return locks_.list(exchange); });
    add("POST", "/locks/{key}", [this](Exchange& exchange) { return locks_.acquire(exchange); });
    add("PUT", "/locks/{key}", [this](Exchange& exchange) { return locks_.renew(exchange); });
    add("DELETE", "/locks/{key}", [this](Exchange& exchange) { return locks_.release(exchange); });
    add("GET", "/health", [this](Exchange& exchange) { return health(exchange); });
    add("GET", "/ready", [this](Exchange& exchange) { return ready(exchange); });
    add("GET", "/metrics", [this](Exchange& exchange) { return metrics(exchange); });
    add("GET", "/openapi.json", [this](Exchange& exchange) { return describe(exchange); });
}

void Gateway::set_web_sockets(const WebSocketOptions& options) {
    web_sockets_ = options;
    events_.set_web_sockets(options);
}

void Gateway::stop() {
    stopping_ = true;
    events_.stop();
}

void Gateway::go_on() noexcept {
    stopping_ = false;
    events_.go_on();
}

Task<> Gateway::health(Exchange& exchange) const {
    return respond_json_text(exchange, R"({"status": "pass"})");
}

// The modules that are to run and do not, by name: that they are there is no secret, why they are
// not may be one.
Task<> Gateway::ready(Exchange& exchange) const {
    config::Value missing = config::Value::list();
    const Server& server = module_.server();
    for (const std::string& name : server.settings().startup) {
        if (module_.server().loader().state(name) != ModuleState::succeeded) {
            missing.add(name);
        }
    }
    const bool is_ready = !stopping_ && missing.get<config::Value::List>()->empty();
    config::Value result = config::Value::object();
    result.add("ready", is_ready);
    result.add("missing", std::move(missing));
    return respond_json_text(exchange, config::to_json(result), is_ready ? 200 : 503);
}

// What manager.metrics returns, for clients that may call that.
Task<> Gateway::metrics(Exchange& exchange) const {
    exchange.caller()->require({"manager", "metrics", true});
    Response response{.body = metrics_text(collect_metrics(module_.server()))};
    response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    return exchange.respond(std::move(response));
}

// The modules that the client may discover.
Task<> Gateway::describe(Exchange& exchange) const {
    exchange.caller()->require({module_.name(), "discover", true});
    std::vector<const Module*> modules;
    const Loader& loader = module_.server().loader();
    for (const ModuleInfo& info : loader.modules()) {
        const Module* const module = loader.find(info.name);
        if (module != nullptr && exchange.caller()->may({info.name, "discover", true})) {
            modules.push_back(module);
        }
    }
    return respond_json_text(exchange, config::to_json(openapi(modules, configured_), 2));
}

}  // namespace weir::http
