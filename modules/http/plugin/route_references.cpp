#include "modules/http/plugin/route_references.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "config/settings/description.h"
#include "config/text/nearest_name.h"
#include "config/text/quoted.h"
#include "modules/http/plugin/route_limit.h"
#include "modules/http/plugin/settings.h"
#include "modules/http/router.h"
#include "modules/system/call/api_function.h"
#include "modules/system/module/app_check.h"
#include "modules/system/module/module_class.h"

namespace weir::http {

namespace {

config::Path named(const std::string& name) {
    config::Path path;
    path.push(name);
    return path;
}

std::vector<std::string> parameter_names(const ApiFunction& function) {
    std::vector<std::string> names;
    if (function.parameters != nullptr) {
        for (const config::Setting& setting : function.parameters->settings()) {
            names.push_back(setting.name);
        }
    }
    return names;
}

void check_call(const AppCheck& app, const config::Path& place, const RouteSettings& route) {
    const std::string& call = *route.call;
    const std::size_t dot = call.find('.');
    const ApiFunction* const function =
        app.find_function(call.substr(0, dot), call.substr(dot + 1), place / "call");
    if (function == nullptr) {
        return;
    }
    if (route.methods().front() == "GET" && !function->reads) {
        app.report(place / "method", "GET is for functions that only read, and '" +
                                         config::printable(call) + "' may change something");
    }
    if (function->parameters == nullptr) {
        return;
    }
    const auto check_parameter = [&](const std::string& name, const config::Path& where) {
        if (function->parameters->find(name) == nullptr) {
            app.report(where, "'" + config::printable(call) + "' has no parameter '" +
                                  config::printable(name) + "'" +
                                  config::did_you_mean(name, parameter_names(*function)));
        }
    };
    for (const std::string& name : Router::names_in(route.path)) {
        check_parameter(name, place / "path");
    }
    for (const auto& [name, value] : route.with) {
        const config::Path where = place / "with" / named(name);
        check_parameter(name, where);
        if (const config::Setting* const parameter = function->parameters->find(name)) {
            app.check_parameter(call.substr(0, dot), *function->parameters, *parameter, value,
                                where);
        }
    }
}

void check_limit(const AppCheck& app, const config::Path& place, const std::string& name) {
    if (app.find_module("limit") == nullptr) {
        app.report(place, "needs the module 'limit', which the app does not start");
        return;
    }
    std::vector<std::string> known;
    if (const auto limits = app.configuration().value("module.limit.limits")) {
        if (const auto* const members = limits->get<config::Value::Object>()) {
            for (const config::Member& member : *members) {
                known.push_back(member.name);
            }
        }
    }
    if (std::ranges::find(known, name) == known.end()) {
        app.report(place, config::unknown_name("limit", name, known));
    }
}

void check_key(const AppCheck& app, const config::Path& place, const RouteSettings& route) {
    const std::string& key = route.limit->key;
    if (key == "user" || key == "address" || key.starts_with("header.")) {
        app.warn(place, "the text '" + config::printable(key) +
                            "' is the same for all requests: did you mean \"{" +
                            config::printable(key) + "}\"?");
    }
    for (const std::string& name : RouteLimit::parameters(key)) {
        if (route.path.find("/{" + name + "}") == std::string::npos) {
            app.report(place, "{" + config::printable(name) +
                                  "} is neither user, address, header.NAME nor a part of the path");
        }
    }
}

}  // namespace

void check_routes(const AppCheck& app, const std::vector<RouteSettings>& routes) {
    for (std::size_t i = 0; i != routes.size(); ++i) {
        const RouteSettings& route = routes[i];
        config::Path place = app.section() / "routes";
        place.push(i);
        if (route.call) {
            check_call(app, place, route);
        }
        if (route.limit) {
            check_limit(app, place / "limit.name", route.limit->name);
            check_key(app, place / "limit.key", route);
        }
    }
}

std::vector<Flow> flows_of_routes(const AppCheck& app) {
    std::vector<Flow> flows;
    for (const RouteSettings& route : app.settings<HttpSettings>().routes) {
        if (!route.call && !route.proxy) {
            continue;
        }
        std::string request = route.proxy && route.method.empty() ? "" : route.methods().front();
        request += (request.empty() ? "" : " ") + route.path;
        Flow::End from{Flow::Kind::thing, request};
        if (route.limit) {
            const Flow::End limit{Flow::Kind::thing, "limit " + route.limit->name};
            flows.push_back({from, limit});
            from = limit;
        }
        flows.push_back({from, route.call ? Flow::End{Flow::Kind::function, *route.call}
                                          : Flow::End{Flow::Kind::thing, *route.proxy}});
    }
    return flows;
}

}  // namespace weir::http
