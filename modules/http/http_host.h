#pragma once

#include "modules/http/router.h"

namespace weir {

class Module;

}  // namespace weir

namespace weir::http {

// What the module `http` offers to modules in C++ that answer requests themselves:
//
//     void begin() override {
//         route_ = weir::http::HttpHost::of(*this).router().add("POST", "/greet", greet);
//     }
//
// A route is added in begin(), not in load(): when both modules are reloaded, load() still sees the
// old version. Whether the client may do what the handler does is the handler's business:
// `exchange.caller()->require(right)`. Programs and plugins that use it link with weir::http.
class HttpHost {
public:
    // Returns that of the server's module `http`. Throws std::runtime_error if it is not loaded.
    static HttpHost& of(const Module& module);

    virtual Router& router() noexcept = 0;

protected:
    HttpHost() = default;
    HttpHost(const HttpHost&) = default;
    HttpHost& operator=(const HttpHost&) = default;
    virtual ~HttpHost();
};

}  // namespace weir::http
