#include "modules/webhook/check.h"

#include <optional>
#include <set>
#include <string>

#include "config/text/quoted.h"
#include "modules/http/response.h"
#include "modules/http/router.h"
#include "modules/http/url.h"
#include "modules/webhook/settings.h"

namespace weir::webhook {

namespace {

// A secret in the file would be where the file is: with backups, in version control.
bool is_from_environment(const config::Value& value) {
    if (value.substitution == nullptr) {
        return false;
    }
    const std::string& written = value.substitution->written;
    return value.substitution->failed ||
           (written.starts_with("${") && written.find('}') == written.size() - 1 &&
            written.find(":-") == std::string::npos);
}

void check_signing(const AppCheck& app, const SigningSettings& signing, const config::Path& path) {
    const bool has_secret = signing.secret.has_value() || signing.secret_file.has_value();
    if (signing.signature == Scheme::none) {
        if (has_secret) {
            app.report(path, "has a secret, but `signature` is none");
        }
        return;
    }
    if (signing.secret.has_value() == signing.secret_file.has_value()) {
        app.report(path, "needs one of secret and secret_file");
    }
    if (const auto secret = app.configuration().value(path / "secret")) {
        if (!secret->is_null() && !is_from_environment(*secret)) {
            app.report(path / "secret",
                       "must come from the environment, as \"${NAME}\"; or use secret_file");
        }
    }
}

// Paths at which the module http answers POST already.
std::set<std::string> taken_paths(const AppCheck& app) {
    std::set<std::string> taken;
    const auto routes = app.configuration().value("module.http.routes");
    const auto* const list = routes ? routes->get<config::Value::List>() : nullptr;
    for (std::size_t i = 0; list != nullptr && i != list->size(); ++i) {
        const config::Value* const path = (*list)[i].find("path");
        const config::Value* const method = (*list)[i].find("method");
        const bool is_call = (*list)[i].find("call") != nullptr;
        if (path != nullptr && path->text() && is_call &&
            (method == nullptr || method->text() == "POST" || method->text() == "")) {
            taken.insert(std::string(*path->text()));
        }
    }
    return taken;
}

void check_hook(const AppCheck& app, const HookSettings& hook, std::set<std::string>& taken,
                const config::Path& path) {
    check_signing(app, hook, path);
    if (const std::string wrong = http::Router::wrong_pattern(hook.path); !wrong.empty()) {
        app.report(path / "path", wrong);
    } else if (hook.path.find_first_of("{*") != std::string::npos) {
        app.report(path / "path", "must be one path, without '{' and '*'");
    } else if (!taken.insert(hook.path).second) {
        app.report(path / "path", "is taken: " + config::in_quotes(hook.path));
    }
    for (std::size_t i = 0; i != hook.headers.size(); ++i) {
        if (!http::is_token(hook.headers[i])) {
            config::Path place = path / "headers";
            place.push(i);
            app.report(place, "is no name of a header");
        }
    }
}

void check_receiver(const AppCheck& app, const ReceiverSettings& receiver,
                    const config::Path& path) {
    check_signing(app, receiver, path);
    try {
        http::Url::parse(receiver.url);
    } catch (const http::UrlError& error) {
        app.report(path / "url", error.what());
    }
    if (const std::string wrong = wrong_headers(receiver.headers); !wrong.empty()) {
        app.report(path / "headers", wrong);
    }
}

}  // namespace

void check_app(const AppCheck& app) {
    const auto settings = app.settings<WebhookSettings>();
    std::set<std::string> taken = taken_paths(app);
    for (const auto& [name, hook] : settings.hooks) {
        config::Path path = app.section() / "hooks";
        path.push(name);
        check_hook(app, hook, taken, path);
    }
    for (const auto& [name, receiver] : settings.receivers) {
        config::Path path = app.section() / "receivers";
        path.push(name);
        check_receiver(app, receiver, path);
    }
}

}  // namespace weir::webhook
