#include "modules/http/plugin/check_app.h"

#include <algorithm>
#include <string>
#include <vector>

#include "config/settings/description.h"
#include "config/text/nearest_name.h"
#include "config/text/quoted.h"
#include "modules/http/plugin/settings.h"
#include "modules/http/router.h"
#include "modules/system/call/api_function.h"
#include "modules/system/call/caller.h"
#include "modules/system/module/app_check.h"
#include "modules/system/module/module_class.h"
#include "modules/system/server/server_settings.h"

namespace weir::http {

namespace {

config::Path element(const AppCheck& app, const char* list, std::size_t index) {
    config::Path path = app.section() / list;
    path.push(index);
    return path;
}

// --- routes

void check_route(const AppCheck& app, const RouteSettings& route, const config::Path& path) {
    const std::size_t dot = route.call->find('.');
    const std::string name = route.call->substr(dot + 1);
    const ApiFunction* const function =
        app.find_function(route.call->substr(0, dot), name, path / "call");
    if (function == nullptr) {
        return;
    }
    if (route.method_or_default() == "GET" && !function->reads) {
        app.report(path / "method", "GET is for functions that only read, and '" +
                                        config::printable(*route.call) + "' may change something");
    }
    if (function->parameters == nullptr) {
        return;
    }
    std::vector<std::string> known;
    for (const config::Setting& setting : function->parameters->settings()) {
        known.push_back(setting.name);
    }
    for (const std::string& part : Router::names_in(route.path)) {
        if (function->parameters->find(part) == nullptr) {
            app.report(path / "path", "'" + config::printable(*route.call) +
                                          "' has no parameter '" + config::printable(part) + "'" +
                                          config::did_you_mean(part, known));
        }
    }
}

// --- clients without a login

// Returns a module `resp` that asks for a password; "" if none does.
std::string module_with_password(const AppCheck& app) {
    for (const std::string& name : app.module_names()) {
        if (app.find_module(name)->name == "resp") {
            config::Path path("module");
            path.push(name);
            const auto password = app.configuration().value(path / "password");
            if (password && !password->is_null()) {
                return name;
            }
        }
    }
    return "";
}

// Whoever sets a password for resp means that strangers take no locks; but http has its own rule
// of who is a stranger.
void warn_of_open_locks(const AppCheck& app, const HttpSettings& settings) {
    const std::string other = module_with_password(app);
    if (other.empty() || !settings.gateway || app.find_module("lock") == nullptr) {
        return;
    }
    config::Problems ignored;
    const auto server = app.configuration().read<ServerSettings>("server", ignored);
    const Ref<AccessRules> rules(new AccessRules);
    rules->change(server.roles, {});
    const std::vector<ListenSettings> listeners = settings.listeners();
    for (std::size_t i = 0; i != listeners.size(); ++i) {
        const Ref<Caller> stranger(new Caller(rules, "", *listeners[i].anonymous));
        if (!listeners[i].address.starts_with("unix:") &&
            stranger->may({"lock", "acquire", false})) {
            app.warn(element(app, "listen", i),
                     "module." + other +
                         " asks for a password, but clients of this address take locks without "
                         "one; if they must not: {\"address\": \"" +
                         config::printable(listeners[i].address) + "\", \"anonymous\": []}");
        }
    }
}

}  // namespace

void check_app(const AppCheck& app) {
    const auto settings = app.settings<HttpSettings>();
    for (std::size_t i = 0; i != settings.routes.size(); ++i) {
        if (settings.routes[i].call) {
            check_route(app, settings.routes[i], element(app, "routes", i));
        }
    }
    warn_of_open_locks(app, settings);
}

}  // namespace weir::http
