#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "modules/http/exchange.h"
#include "modules/http/target.h"

namespace weir::http {

class Router;

// Which module has made a route. In a reload the new version of a module adds its routes while the
// old one still has the same ones.
struct RouteOwner {
    std::string module;  // its name; "": none
    const void* version = nullptr;

    bool is_other_version_of(const RouteOwner& other) const noexcept {
        return !module.empty() && module == other.module && version != other.version;
    }
};

// A handler at a path, as long as this lives. One that outlives its router answers nothing more.
class Route {
public:
    Route(const Route&) = delete;
    Route& operator=(const Route&) = delete;
    ~Route();

    const std::string& method() const noexcept { return method_; }
    const std::string& pattern() const noexcept { return pattern_; }
    // Requests that its handler answers now.
    std::size_t running() const noexcept {
        return static_cast<std::size_t>(handler_.use_count()) - 1;
    }

private:
    friend class Router;
    struct Node;

    Route(std::string method, std::string pattern, Handler handler, RouteOwner owner);

    const std::string method_;
    const std::string pattern_;
    const RouteOwner owner_;
    const std::vector<std::string_view> parts_;  // of the pattern
    // The requests that it answers share it, for they may end after the route.
    const std::shared_ptr<const Handler> handler_;
    Node* node_ = nullptr;
};

// Chooses the handler of a request by its host, path and method. A pattern is a path, in which
// `{name}` stands for any one part and a last part `*` for the rest of the path, none included:
// /orders/{customer}, /files/*. Where several fit, plain text goes before `{name}`, and that before
// `*`.
class Router {
public:
    Router();
    ~Router();
    Router(const Router&) = delete;
    Router& operator=(const Router&) = delete;

    // `host`: the name by which the client calls the server; its routes go before those of all
    // hosts, "". A route that another version of the owner has with this pattern and method rests
    // as long as this one lives. Throws std::invalid_argument if the pattern or the host is wrong,
    // or if a route of another owner, or of this version, has this pattern and method.
    [[nodiscard]] std::unique_ptr<Route> add(std::string method, std::string pattern,
                                             Handler handler, std::string_view host = "",
                                             RouteOwner owner = {});
    // Returns what is wrong with a pattern; "" if nothing is.
    static std::string wrong_pattern(std::string_view pattern);
    // Returns the names in braces, in their order. Requires that nothing is wrong with the pattern.
    static std::vector<std::string> names_in(std::string_view pattern);

    // Answers the request. Throws HttpError if no path fits (404), or none with this method (405,
    // with the methods that there are). HEAD is answered by the handler of GET, and OPTIONS without
    // one.
    Task<> handle(Exchange& exchange) const;

private:
    using Node = Route::Node;

    Node& root_of(std::string_view host);
    const std::vector<Route*>* routes_at(const Request& request,
                                         const PathSegments& segments) const;

    mutable PathSegments segments_;  // of the path that handle() looks up, for its memory
    std::unique_ptr<Node> root_;
    std::map<std::string, std::unique_ptr<Node>, std::less<>> hosts_;
};

}  // namespace weir::http
