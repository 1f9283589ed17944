#include "modules/http/plugin/check_app.h"

#include <string>
#include <utility>
#include <vector>

#include "config/text/quoted.h"
#include "modules/http/plugin/route_references.h"
#include "modules/http/plugin/settings.h"
#include "modules/system/call/caller.h"
#include "modules/system/module/app_check.h"
#include "modules/system/module/module_class.h"
#include "modules/system/server/server_settings.h"

namespace weir::http {

namespace {

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
            config::Path path = app.section() / "listen";
            path.push(i);
            app.warn(std::move(path),
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
    check_routes(app, settings.routes);
    warn_of_open_locks(app, settings);
}

}  // namespace weir::http
