#pragma once

#include <memory>
#include <vector>

#include "core/run/task.h"
#include "modules/http/exchange.h"
#include "modules/http/plugin/call_handler.h"
#include "modules/http/plugin/event_handlers.h"
#include "modules/http/plugin/lock_handlers.h"
#include "modules/http/plugin/settings.h"
#include "modules/http/router.h"
#include "modules/http/web_socket.h"

namespace weir {

class Module;

}  // namespace weir

namespace weir::http {

// The whole server without code: its functions, events and locks at fixed paths, what can be asked
// there as an OpenAPI document, and whether the server works.
class Gateway {
public:
    // The module must outlive the gateway.
    explicit Gateway(Module& module);

    // Adds the paths. The routes live as long as the gateway.
    void add_routes(Router& router);

    CallHandler& calls() noexcept { return calls_; }
    EventHandlers& events() noexcept { return events_; }
    LockHandlers& locks() noexcept { return locks_; }
    // Of the WebSockets at /call and /events.
    void set_web_sockets(const WebSocketOptions& options);
    // Sets which routes the configuration has, for /openapi.json.
    void set_configured(std::vector<RouteSettings> routes) { configured_ = std::move(routes); }
    // The server is about to end: /ready says so, and streams end.
    void stop();
    // It is not.
    void go_on() noexcept;

private:
    Task<> health(Exchange& exchange) const;
    Task<> ready(Exchange& exchange) const;
    Task<> metrics(Exchange& exchange) const;
    Task<> describe(Exchange& exchange) const;

    Module& module_;
    CallHandler calls_;
    EventHandlers events_;
    LockHandlers locks_;
    WebSocketOptions web_sockets_;
    std::vector<RouteSettings> configured_;
    bool stopping_ = false;
    std::vector<std::unique_ptr<Route>> routes_;
};

}  // namespace weir::http
