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
#include "modules/system/module/app_check.h"
#include "modules/system/module/module_class.h"

namespace weir::http {

namespace {

config::Path named(const std::string& name) {
    config::Path path;
    path.push(name);
    return path;
}

void check_parameters(const AppCheck& app, const config::Path& place, const RouteSettings& route,
                      const ApiFunction& function) {
    for (const auto& [name, value] : route.with) {
        if (function.parameters != nullptr && function.parameters->find(name) == nullptr) {
            app.report(place / "with" / named(name),
                       *route.call + " has no parameter '" + config::printable(name) + "'");
        }
    }
}

void check_call(const AppCheck& app, const config::Path& route_place, const RouteSettings& route) {
    const config::Path place = route_place / "call";
    const std::string& call = *route.call;
    const std::size_t dot = call.find('.');
    const std::string target = call.substr(0, dot);
    const std::string function = call.substr(dot + 1);
    const auto proxy = app.configuration().value(config::Path("server.proxies") / named(target));
    const std::string module = proxy && proxy->text() ? std::string(*proxy->text()) : target;
    const ModuleClass* const found = app.find_module(module);
    if (found == nullptr) {
        app.report(place, "no module '" + config::printable(target) +
                              "' is started: server.startup does not list it" +
                              config::did_you_mean(target, app.module_names()));
    } else if (const ApiFunction* const called = found->api.find(IndexValue(function))) {
        check_parameters(app, route_place, route, *called);
    } else {
        app.report(place, "the module '" + target + "' has no function '" +
                              config::printable(function) + "'" +
                              config::did_you_mean(function, found->api.names()));
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
    for (const std::string& name : RouteLimit::parameters(route.limit->key)) {
        if (route.path.find("/{" + name + "}") == std::string::npos) {
            app.report(place, "{" + config::printable(name) +
                                  "} is neither user, address, header.NAME nor a part of the path");
        }
    }
}

}  // namespace

void check_routes(const AppCheck& app) {
    const auto settings = app.settings<HttpSettings>();
    for (std::size_t i = 0; i != settings.routes.size(); ++i) {
        const RouteSettings& route = settings.routes[i];
        config::Path place = app.section() / "routes";
        place.push(i);
        if (route.call && route.call->find('.') != std::string::npos) {
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
