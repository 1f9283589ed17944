#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "modules/http/router.h"

namespace weir {

class Module;

}  // namespace weir

namespace weir::http {

// What the module `http` offers to modules in C++ that answer requests themselves:
//
//     void begin() override {
//         route_ = weir::http::HttpHost::add_route(*this, "POST", "/greet", greet);
//     }
//
// A route is added in begin(), not in load(): when both modules are reloaded, load() still sees the
// old version. A new version of a module takes the route over from the old one, which finishes the
// requests that it has. Whether the client may do what the handler does is the handler's business:
// `exchange.caller()->require(right)`. Programs and plugins that use it link with weir::http.
class HttpHost {
public:
    // Returns that of the server's module `http`. Throws std::runtime_error if it is not loaded.
    static HttpHost& of(const Module& module);

    // Adds a route of the module to that router, as Router::add. Throws as of() and that do.
    [[nodiscard]] static std::unique_ptr<Route> add_route(const Module& owner, std::string method,
                                                          std::string pattern, Handler handler,
                                                          std::string_view host = "");

    virtual Router& router() noexcept = 0;

protected:
    HttpHost() = default;
    HttpHost(const HttpHost&) = default;
    HttpHost& operator=(const HttpHost&) = default;
    virtual ~HttpHost();
};

}  // namespace weir::http
