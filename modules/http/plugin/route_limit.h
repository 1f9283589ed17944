#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/run/task.h"
#include "modules/http/exchange.h"
#include "modules/http/plugin/settings.h"
#include "modules/limit/limit.h"

namespace weir {

class Module;

}  // namespace weir

namespace weir::http {

// Lets requests of a route pass only with a ticket of the module `limit`, each by its key.
class RouteLimit {
public:
    // The module must outlive this. Throws std::invalid_argument if wrong_key() says something.
    RouteLimit(const Module& module, RouteLimitSettings settings);

    // Returns a ticket, to be held as long as the request is served; waits for it as long as the
    // limit says. Throws HttpError: 429 if it is refused, 503 if there is no such limit now.
    Task<std::unique_ptr<limit::Ticket>> admit(Exchange& exchange) const;

    // Returns what is wrong with a key; "" if nothing is.
    static std::string wrong_key(std::string_view key);
    // Returns the parts of the path that a key names; none if it is wrong.
    static std::vector<std::string> parameters(std::string_view key);

private:
    struct Part {
        enum class Kind { text, user, address, header, parameter };
        Kind kind;
        std::string text;
    };
    static std::vector<Part> parts_of(std::string_view key);
    std::string key_of(const Exchange& exchange) const;

    const Module& module_;
    const RouteLimitSettings settings_;
    const std::vector<Part> key_;
};

}  // namespace weir::http
