#include "modules/http/router.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <stdexcept>
#include <utility>

#include "config/text/quoted.h"
#include "modules/http/http_error.h"
#include "modules/http/request_span.h"

namespace weir::http {

// A part of paths. Nodes stay when their routes have gone: there are few patterns.
struct Route::Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> texts;
    std::unique_ptr<Node> any;    // {name}
    std::vector<Route*> here;     // paths that end here
    std::vector<Route*> and_all;  // paths that end in *

    Node() = default;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    // Routes may outlive the router.
    ~Node() {
        for (Route* route : here) {
            route->node_ = nullptr;
        }
        for (Route* route : and_all) {
            route->node_ = nullptr;
        }
    }
};

namespace {

std::vector<std::string_view> parts_of(std::string_view pattern) {
    std::vector<std::string_view> parts;
    while (pattern.starts_with('/')) {
        pattern.remove_prefix(1);
        const std::size_t size = std::min(pattern.find('/'), pattern.size());
        parts.push_back(pattern.substr(0, size));
        pattern.remove_prefix(size);
    }
    return parts;
}

bool is_name(std::string_view part) noexcept {
    return part.size() > 2 && part.starts_with('{') && part.ends_with('}');
}

// Names the parts of the path that the pattern leaves open.
Parameters parameters_of(const std::vector<std::string_view>& parts, const PathSegments& segments) {
    Parameters parameters;
    parameters.reserve(static_cast<std::size_t>(std::ranges::count_if(parts, is_name)));
    for (std::size_t i = 0; i != parts.size(); ++i) {
        if (is_name(parts[i])) {
            parameters.emplace_back(parts[i].substr(1, parts[i].size() - 2), segments[i]);
        }
    }
    return parameters;
}

std::string allowed_methods(const std::vector<Route*>& routes) {
    std::string methods = "OPTIONS";
    for (auto at = routes.begin(); at != routes.end(); ++at) {
        const Route* const route = *at;
        if (std::find_if(routes.begin(), at, [&](const Route* other) {
                return other->method() == route->method();
            }) != at) {
            continue;  // of an old version of a module
        }
        methods += ", " + route->method();
        if (route->method() == "GET") {
            methods += ", HEAD";
        }
    }
    return methods;
}

// Returns the routes of the best pattern that fits the segments from `at` on; null if none does.
template <class Node>
const std::vector<Route*>* find(const Node& node, const PathSegments& segments, std::size_t at) {
    if (at == segments.size()) {
        if (!node.here.empty()) {
            return &node.here;
        }
    } else {
        if (const auto text = node.texts.find(segments[at]); text != node.texts.end()) {
            if (const auto* found = find(*text->second, segments, at + 1)) {
                return found;
            }
        }
        if (node.any != nullptr && !segments[at].empty()) {
            if (const auto* found = find(*node.any, segments, at + 1)) {
                return found;
            }
        }
    }
    return node.and_all.empty() ? nullptr : &node.and_all;
}

}  // namespace

Route::Route(std::string method, std::string pattern, Handler handler, RouteOwner owner)
    : method_(std::move(method)),
      pattern_(std::move(pattern)),
      owner_(std::move(owner)),
      parts_(parts_of(pattern_)),
      handler_(std::make_shared<const Handler>(std::move(handler))) {}

Route::~Route() {
    if (node_ != nullptr) {
        std::erase(node_->here, this);
        std::erase(node_->and_all, this);
    }
}

Router::Router() : root_(std::make_unique<Node>()) {}

Router::~Router() = default;

std::string Router::wrong_pattern(std::string_view pattern) {
    if (!pattern.starts_with('/')) {
        return "does not begin with '/'";
    }
    const std::vector<std::string_view> parts = parts_of(pattern);
    std::vector<std::string_view> names;
    for (const std::string_view& part : parts) {
        if (is_name(part)) {
            if (std::ranges::count(names, part) != 0) {
                return "has two parts " + std::string(part);
            }
            names.push_back(part);
        } else if (part == "*" && &part != &parts.back()) {
            return "has a part '*' that is not the last";
        } else if (part != "*" && part.find_first_of("{}*?#%") != std::string_view::npos) {
            return "has a part '" + config::printable(part) +
                   "' that is neither text, {name} nor *";
        }
    }
    return "";
}

std::vector<std::string> Router::names_in(std::string_view pattern) {
    std::vector<std::string> names;
    for (const std::string_view part : parts_of(pattern)) {
        if (is_name(part)) {
            names.emplace_back(part.substr(1, part.size() - 2));
        }
    }
    return names;
}

Router::Node& Router::root_of(std::string_view host) {
    if (host.empty()) {
        return *root_;
    }
    const std::optional<std::string> name = host_name(host);
    if (!name) {
        throw std::invalid_argument("'" + config::printable(host) + "' is no name of a host");
    }
    std::unique_ptr<Node>& root = hosts_[*name];
    if (root == nullptr) {
        root = std::make_unique<Node>();
    }
    return *root;
}

std::unique_ptr<Route> Router::add(std::string method, std::string pattern, Handler handler,
                                   std::string_view host, RouteOwner owner) {
    if (const std::string wrong = wrong_pattern(pattern); !wrong.empty()) {
        throw std::invalid_argument("the path '" + config::printable(pattern) + "' " + wrong);
    }
    Node* node = &root_of(host);
    bool takes_all = false;
    for (const std::string_view part : parts_of(pattern)) {
        if (part == "*") {
            takes_all = true;
        } else {
            std::unique_ptr<Node>& next =
                is_name(part) ? node->any : node->texts[std::string(part)];
            if (next == nullptr) {
                next = std::make_unique<Node>();
            }
            node = next.get();
        }
    }
    std::vector<Route*>& routes = takes_all ? node->and_all : node->here;
    const auto has_method = [&method](const Route* other) { return other->method() == method; };
    for (const Route* other : routes) {
        if (has_method(other) && !owner.is_other_version_of(other->owner_)) {
            throw std::invalid_argument("the path '" + config::printable(pattern) +
                                        "' is there already with the method " + method);
        }
    }
    const auto place = std::ranges::find_if(routes, has_method);  // before that of an old version
    std::unique_ptr<Route> route(
        new Route(std::move(method), std::move(pattern), std::move(handler), std::move(owner)));
    routes.insert(place, route.get());
    route->node_ = node;
    return route;
}

const std::vector<Route*>* Router::routes_at(const Request& request,
                                             const PathSegments& segments) const {
    if (!hosts_.empty()) {
        const auto root = hosts_.find(host_name(request.host).value_or(""));
        if (root != hosts_.end()) {
            if (const std::vector<Route*>* routes = find(*root->second, segments, 0)) {
                return routes;
            }
        }
    }
    return find(*root_, segments, 0);
}

Task<> Router::handle(Exchange& exchange) const {
    const Request& request = exchange.request();
    PathSegments& segments = segments_;
    segments.read(request.path);
    const std::vector<Route*>* routes = routes_at(request, segments);
    if (request.path == "*") {
        return exchange.respond({.status = 204});
    }
    if (routes == nullptr) {
        throw HttpError(404, "not_found", "there is nothing at " + config::printable(request.path));
    }
    const std::string_view method = request.method == "HEAD" ? "GET" : request.method;
    const auto found = std::ranges::find(*routes, method, &Route::method);
    if (found == routes->end()) {
        if (method == "OPTIONS") {
            Response response{.status = 204};
            response.headers.set("Allow", allowed_methods(*routes));
            return exchange.respond(std::move(response));
        }
        const std::string allowed = allowed_methods(*routes);
        throw HttpError(405, "wrong_method",
                        std::string(request.method) + " is no method of " +
                            config::printable(request.path) + ", which has " + allowed)
            .with("Allow", allowed);
    }
    const Route& route = **found;
    const bool takes_rest = !route.parts_.empty() && route.parts_.back() == "*";
    exchange.set_parameters(parameters_of(route.parts_, segments),
                            takes_rest ? route.parts_.size() - 1 : segments.size());
    if (exchange.span() != nullptr) {
        exchange.span()->set_route(route.pattern());
    }
    const std::shared_ptr<const Handler> handler = route.handler_;
    exchange.keep(handler);  // the route may end before
    return (*handler)(exchange);
}

}  // namespace weir::http
