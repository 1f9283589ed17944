#include "modules/http/plugin/check_app.h"

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "config/text/quoted.h"
#include "modules/http/plugin/route_references.h"
#include "modules/http/plugin/settings.h"
#include "modules/system/call/caller.h"
#include "modules/system/event/event_exchange.h"
#include "modules/system/module/app_check.h"
#include "modules/system/module/module_class.h"

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

// Returns a module `webhook` that takes requests; "" if none does.
std::string module_with_hooks(const AppCheck& app) {
    for (const std::string& name : app.module_names()) {
        if (app.find_module(name)->name == "webhook") {
            config::Path path("module");
            path.push(name);
            const auto hooks = app.configuration().value(path / "hooks");
            const auto* const list = hooks ? hooks->get<config::Value::Object>() : nullptr;
            if (list != nullptr && !list->empty()) {
                return name;
            }
        }
    }
    return "";
}

bool says_who_strangers_are(const std::variant<std::string, ListenSettings>& listener) {
    const auto* const settings = std::get_if<ListenSettings>(&listener);
    return settings != nullptr && settings->anonymous.has_value();
}

// Warns where the gateway lets strangers do what the user of another module may not expect.
class OpenAddresses {
public:
    OpenAddresses(const AppCheck& app, const HttpSettings& settings, Ref<AccessRules> rules)
        : app_(app), settings_(settings), rules_(std::move(rules)) {}

    void warn() const {
        if (!settings_.gateway) {
            return;
        }
        const std::string closed =
            app_.find_module("lock") != nullptr ? module_with_password(app_) : "";
        const std::string hooks = module_with_hooks(app_);
        const std::vector<ListenSettings> listeners = settings_.listeners();
        for (std::size_t i = 0; i != listeners.size(); ++i) {
            const Caller stranger(rules_, "", *listeners[i].anonymous);
            if (listeners[i].address.starts_with("unix:")) {
                continue;
            }
            // Whoever sets a password for resp means that strangers take no locks; but http has its
            // own rule of who is a stranger.
            if (!closed.empty() && stranger.may({"lock", "acquire", false})) {
                warn_of(i, listeners[i].address,
                        "module." + closed +
                            " asks for a password, but clients of this address take locks without "
                            "one");
            }
            // What services send, with a signature, is seldom for all.
            if (!hooks.empty() && !says_who_strangers_are(settings_.listen[i]) &&
                !EventExchange::refusal_to_watch(stranger)) {
                warn_of(i, listeners[i].address,
                        "clients of this address that do not log in may watch what comes in by "
                        "the hooks of module." +
                            hooks + ", the event webhook.Received");
            }
        }
    }

private:
    void warn_of(std::size_t listener, const std::string& address, const std::string& what) const {
        config::Path path = app_.section() / "listen";
        path.push(listener);
        app_.warn(path, what + "; if they must not: {\"address\": \"" + config::printable(address) +
                            "\", \"anonymous\": []}");
    }

    const AppCheck& app_;
    const HttpSettings& settings_;
    const Ref<AccessRules> rules_;
};

}  // namespace

void check_app(const AppCheck& app) {
    const auto settings = app.settings<HttpSettings>();
    const Ref<AccessRules> rules = app.roles();
    check_routes(app, settings.routes);
    check_listeners(app, settings.listeners());
    if (const std::string wrong = settings.wrong_page(); !wrong.empty()) {
        app.report(app.section() / "page", wrong);
    }
    OpenAddresses(app, settings, rules).warn();
}

}  // namespace weir::http
