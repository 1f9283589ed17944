#include "modules/webhook/settings.h"

#include <stdexcept>

namespace weir::webhook {

using config::setting;
using config::settings;
using std::chrono::hours;
using std::chrono::milliseconds;

namespace {

// Anybody could guess it.
std::string wrong_secret(const std::string& secret) {
    const bool is_blank = secret.find_first_not_of(" \t\r\n\f\v") == std::string::npos;
    return is_blank ? "has blanks alone" : "";
}

}  // namespace

config::Settings<HookSettings> HookSettings::describe() {
    using S = HookSettings;
    return settings<S>(
        "Where requests come in; each that is genuine is an event webhook.Received",
        setting("description", &S::description, "What it is for"),
        setting("path", &S::path, "The path at the server of the module http").required(),
        setting("signature", &S::signature,
                "How the sender signs: as GitHub, Stripe or Slack; none: anybody may send")
            .required(),
        setting("secret", &S::secret,
                "The secret by which the sender signs, from the environment: \"${NAME}\"")
            .not_empty()
            .check(wrong_secret)
            .secret(),
        setting("secret_file", &S::secret_file,
                "A file with the secret, or with several, one a line, each of which is accepted; "
                "SIGHUP reads it again")
            .not_empty(),
        setting("tolerance", &S::tolerance, "How old a signature with a time may be: stripe, slack")
            .range(std::chrono::seconds(1), hours(24)),
        setting("headers", &S::headers, "Headers of the request that the event has"),
        setting("max_body", &S::max_body, "The largest body").at_most(config::mebibytes(64)),
        setting("patience", &S::patience,
                "How long the event may wait for room in its queue; then the sender is asked to "
                "come again (503)")
            .range(milliseconds(1), hours(1)));
}

config::Settings<ReceiverSettings> ReceiverSettings::describe() {
    using S = ReceiverSettings;
    return settings<S>(
        "Where requests go", setting("description", &S::description, "What it is for"),
        setting("url", &S::url, "The address, http:// or https://, to which calls may add a path")
            .not_empty()
            .required(),
        setting("method", &S::method, "The method, unless the call gives one")
            .one_of({"POST", "PUT", "PATCH", "DELETE", "GET"}),
        setting("headers", &S::headers, "Headers of each request, such as Authorization").secret(),
        setting("signature", &S::signature, "How requests are signed: as GitHub, Stripe or Slack"),
        setting("secret", &S::secret,
                "The secret by which they are signed, from the environment: \"${NAME}\"")
            .not_empty()
            .check(wrong_secret)
            .secret(),
        setting("secret_file", &S::secret_file,
                "A file with the secret in its first line; SIGHUP reads it again")
            .not_empty(),
        setting("timeout", &S::timeout, "How long each try may take")
            .range(milliseconds(1), hours(1)),
        setting("retry", &S::retry,
                "How `send` tries again: when there is no answer, or one of 408, 425, 429 and "
                "5xx; not sooner than a Retry-After says, up to the longest wait"),
        setting("at_once", &S::at_once,
                "How many requests of `send` are under way at a time; with 1 they arrive in their "
                "order")
            .range(1, 100),
        setting("waiting", &S::waiting,
                "How many requests wait; when it is full, `send` waits for room")
            .range(1, 1'000'000));
}

config::Settings<WebhookSettings> WebhookSettings::describe() {
    using S = WebhookSettings;
    return settings<S>("Receives and sends signed requests of HTTP",
                       setting("hooks", &S::hooks, "Where requests come in, by name"),
                       setting("receivers", &S::receivers, "Where requests go, by name"));
}

std::string wrong_headers(const std::map<std::string, std::string>& headers) {
    try {
        http::Headers all;
        for (const auto& [name, value] : headers) {
            all.set(name, value);
        }
        for (const char* name : {"Content-Length", "Transfer-Encoding", "Connection", "Host"}) {
            if (all.find(name) != nullptr) {
                return std::string(name) + " is set by the client itself";
            }
        }
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "";
}

}  // namespace weir::webhook
